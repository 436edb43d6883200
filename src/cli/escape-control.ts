/**
 * Escapes control characters in untrusted text, so that a terminal shows it and does not obey it.
 *
 * The name of a torrent or of a file in it may contain escape sequences that move the cursor or set the window's
 * title, and marks that reverse the reading direction. They are printed as their code points.
 */

export function escapeControl(text: string): string {
  const shown = text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  )
  return shown.length > SHOWN_LENGTH_MAX ? `${shown.slice(0, SHOWN_LENGTH_MAX)}…` : shown
}

/** Some lines of a terminal; real names have at most 255 bytes. */
const SHOWN_LENGTH_MAX = 1000
