/**
 * Text that a stranger wrote, made fit for a terminal, and sizes that a person reads.
 *
 * The name of a torrent or of a file in it may hold escape sequences that move the cursor or set the window's
 * title, and marks that turn the reading direction round. They are shown as their code points instead.
 */

export function printable(text: string): string {
  const shown = text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
  return shown.length > SHOWN_LENGTH_MAX ? `${shown.slice(0, SHOWN_LENGTH_MAX)}…` : shown
}

/** Some lines of a terminal; real names have at most 255 bytes. */
const SHOWN_LENGTH_MAX = 1000

/** `5 B`, `16 KiB`, `1.4 GiB`. */
export function formatByteSize(bytes: number): string {
  let size = bytes
  let unit = 0
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit++
  }
  const digits = Number.isInteger(size) || size >= 100 ? 0 : 1
  return `${size.toFixed(digits)} ${UNITS[unit]}`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
