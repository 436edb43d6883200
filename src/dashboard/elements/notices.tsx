/** Text in place of content: while it loads, where there is none yet, and after a failure. */
import type { ComponentChildren } from 'preact'
import type { ApiFailure } from '../api/admin-client.ts'

export function Loading({ of }: { readonly of: string }) {
  return (
    <p class="loading" role="status">
      Reading {of}…
    </p>
  )
}

/** `children` teach the next step. */
export function EmptyState({
  title,
  children,
}: {
  readonly title: string
  readonly children: ComponentChildren
}) {
  return (
    <div class="empty card">
      <h3>{title}</h3>
      {children}
    </div>
  )
}

/** A node that does not answer is the subject of the banner. */
export function Failure({ failure }: { readonly failure: ApiFailure | undefined }) {
  if (failure === undefined || failure.status === 0 || failure.status === 401) return null
  return (
    <p class="problem" role="alert">
      {failure.message} <code>{failure.code}</code>
    </p>
  )
}
