/** A state as a word with a symbol, so that colour is never the only sign. */

export type Tone = 'good' | 'active' | 'warn' | 'bad' | 'quiet'

const SYMBOLS: Readonly<Record<Tone, string>> = { good: '✓', active: '▶', warn: '!', bad: '✕', quiet: '·' }

const TONES: Readonly<Record<string, Tone>> = {
  waiting: 'quiet',
  running: 'active',
  held: 'warn',
  stranded: 'bad',
  complete: 'good',
  filling: 'active',
  warm: 'good',
  idle: 'quiet',
  here: 'good',
  up: 'good',
  stale: 'warn',
  down: 'bad',
  ready: 'good',
  draining: 'warn',
  'not ready': 'bad',
}

export function Badge({ word, tone }: { readonly word: string; readonly tone?: Tone }) {
  const shown = tone ?? TONES[word] ?? 'quiet'
  return (
    <span class="badge" data-tone={shown}>
      <span aria-hidden="true">{SYMBOLS[shown]}</span> <span class="word">{word}</span>
    </span>
  )
}
