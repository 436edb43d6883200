/**
 * Rate of a link between two sites as text: `200Mbit`. Network teams state rates in bits per second; carriers count
 * bytes.
 */

const UNIT_BITS: Readonly<Record<string, number>> = { kbit: 1e3, mbit: 1e6, gbit: 1e9 }
const RATE = /^(\d{1,9}(?:\.\d{1,6})?)\s*(kbit|mbit|gbit)(?:\/s|ps)?$/i

/** Bytes per second; undefined where the text is not a rate. */
export function readRate(text: string): number | undefined {
  const [, count = '', unit = ''] = RATE.exec(text.trim()) ?? []
  const bits = UNIT_BITS[unit.toLowerCase()]
  return bits === undefined ? undefined : (Number(count) * bits) / 8
}

/** The remedy for a text or number that is not a rate. */
export function rateHint(given: unknown): string {
  if (typeof given === 'number' || (typeof given === 'string' && /^\d+$/.test(given)))
    return given === 0 || given === '0'
      ? 'write 0Mbit to stop content on the link'
      : `bare numbers are ambiguous; write ${given}Mbit or ${given}kbit`
  if (typeof given === 'string' && /^\d+(?:\.\d+)?\s*[kmg]i?b(?:yte)?(?:\/s|ps)?$/i.test(given))
    return 'a rate is in bits per second; write 200Mbit for 25 megabytes per second'
  return 'write a number and a unit: kbit, Mbit or Gbit'
}

/** `200 Mbit/s`. */
export function formatRate(bytesPerSecond: number): string {
  const bits = bytesPerSecond * 8
  if (bits >= 1e9) return `${Number((bits / 1e9).toPrecision(4))} Gbit/s`
  if (bits >= 1e6) return `${Number((bits / 1e6).toPrecision(4))} Mbit/s`
  return `${Number((bits / 1e3).toPrecision(4))} kbit/s`
}
