/** A command or URL with a button that copies it. */
import { useState } from 'preact/hooks'

/** Long enough to read the confirmation. */
const CONFIRMED_MS = 2_000

export function CopyButton({ text, label = 'Copy' }: { readonly text: string; readonly label?: string }) {
  const [state, setState] = useState<'idle' | 'copied' | 'failed'>('idle')
  const copy = async () => {
    setState((await copyText(text)) ? 'copied' : 'failed')
    window.setTimeout(() => setState('idle'), CONFIRMED_MS)
  }
  return (
    <button type="button" class="copy" onClick={() => void copy()} aria-label={`${label}: ${text}`}>
      <span aria-live="polite">
        {state === 'copied' ? 'Copied' : state === 'failed' ? 'Select it by hand' : label}
      </span>
    </button>
  )
}

export function Command({ text }: { readonly text: string }) {
  return (
    <div class="command">
      <code tabIndex={0}>{text}</code>
      <CopyButton text={text} />
    </div>
  )
}

/** The command line that does the same as an action of the page. */
export function SameAsCommand({
  text,
  title = 'The same as a command',
}: {
  readonly text: string
  readonly title?: string
}) {
  return (
    <details class="same">
      <summary>{title}</summary>
      <Command text={text} />
    </details>
  )
}

/** Browsers offer the clipboard only on loopback and over TLS; the older way works elsewhere. */
async function copyText(text: string): Promise<boolean> {
  if (window.isSecureContext) {
    try {
      await navigator.clipboard.writeText(text)
      return true
    } catch {
      // Permission denied: the older way is tried.
    }
  }
  const field = document.createElement('textarea')
  field.value = text
  field.className = 'offscreen'
  const before = document.activeElement
  document.body.append(field)
  field.select()
  const isCopied = document.execCommand('copy')
  field.remove()
  if (before instanceof HTMLElement) before.focus()
  return isCopied
}
