/** A row of figures with their names. */
import type { ComponentChildren } from 'preact'

export interface Figure {
  readonly name: string
  readonly value: ComponentChildren
  /** The origin of the figure, or a detail. */
  readonly note?: string | undefined
}

export function Figures({ figures }: { readonly figures: readonly Figure[] }) {
  return (
    <dl class="figures">
      {figures.map(({ name, value, note }) => (
        <div key={name} class="figure card">
          <dt>{name}</dt>
          <dd>
            {value}
            {note === undefined ? null : <small>{note}</small>}
          </dd>
        </div>
      ))}
    </dl>
  )
}
