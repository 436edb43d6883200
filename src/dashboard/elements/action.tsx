/**
 * An action on the node: a button, a dialog that states the consequence, the result, and the same as a command. The dialog
 * is the browser's own, which keeps the focus inside and closes on Escape.
 */
import type { ComponentChildren } from 'preact'
import { useRef, useState } from 'preact/hooks'
import { asFailure } from '../api/admin-client.ts'
import { SameAsCommand } from './command.tsx'

export interface ActionProps {
  readonly title: string
  /** Text of the button in the dialog; the title without one. */
  readonly verb?: string
  /** Ends in what happens next; shown before anything happens. */
  readonly consequence: ComponentChildren
  readonly command: string
  readonly isDangerous?: boolean
  /** Resolves with the sentence that reports the result. */
  readonly run: () => Promise<string>
  readonly children?: ComponentChildren
}

export function Action({
  title,
  verb = title,
  consequence,
  command,
  isDangerous = false,
  run,
  children,
}: ActionProps) {
  const dialog = useRef<HTMLDialogElement>(null)
  const [result, setResult] = useState<{ readonly text: string; readonly isOk: boolean } | undefined>()
  const [isBusy, setBusy] = useState(false)
  const confirm = async () => {
    setBusy(true)
    try {
      setResult({ text: await run(), isOk: true })
      dialog.current?.close()
    } catch (error) {
      setResult({ text: asFailure(error).message, isOk: false })
    } finally {
      setBusy(false)
    }
  }
  const style = isDangerous ? 'danger' : 'primary'
  return (
    <div class="action">
      <button
        type="button"
        class={isDangerous ? 'danger' : ''}
        onClick={() => {
          setResult(undefined)
          dialog.current?.showModal()
        }}
      >
        {title}…
      </button>
      {result?.isOk === true ? (
        <span role="status" class="result">
          {result.text}
        </span>
      ) : null}
      <dialog ref={dialog} aria-label={title}>
        <h2>{title}</h2>
        <div>{consequence}</div>
        {children}
        <SameAsCommand text={command} />
        {result?.isOk === false ? (
          <p class="problem" role="alert">
            {result.text}
          </p>
        ) : null}
        <div class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Cancel
          </button>
          <button type="button" class={style} disabled={isBusy} onClick={() => void confirm()}>
            {verb}
          </button>
        </div>
      </dialog>
    </div>
  )
}
