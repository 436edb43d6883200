/** Quantities for people: sizes, rates, shares, durations, times. */

const NONE = '–'
const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const

/** `5 B`, `16 KiB`, `1.4 GiB`, as the commands print them. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return NONE
  let size = Math.abs(bytes)
  let unit = 0
  while (size >= 1024 && unit < UNITS.length - 1) {
    size /= 1024
    unit++
  }
  const digits = Number.isInteger(size) || size >= 100 ? 0 : 1
  return `${bytes < 0 ? '−' : ''}${size.toFixed(digits)} ${UNITS[unit]}`
}

export function formatRate(bytesPerSecond: number | null | undefined): string {
  return bytesPerSecond === null || bytesPerSecond === undefined
    ? NONE
    : `${formatBytes(Math.round(bytesPerSecond))}/s`
}

/** `200 Mbit/s`: network teams state the rates of links in bits. */
export function formatBitRate(bytesPerSecond: number): string {
  const bits = bytesPerSecond * 8
  if (bits >= 1e9) return `${Number((bits / 1e9).toPrecision(4))} Gbit/s`
  if (bits >= 1e6) return `${Number((bits / 1e6).toPrecision(4))} Mbit/s`
  return `${Number((bits / 1e3).toPrecision(4))} kbit/s`
}

/** Rounded down to one decimal, so that only a complete host has 100 %. */
export function formatPercent(percent: number | null | undefined): string {
  if (percent === null || percent === undefined) return NONE
  return percent >= 100 ? '100 %' : `${(Math.floor(percent * 10) / 10).toFixed(1)} %`
}

const whole = new Intl.NumberFormat('en')

export function formatCount(count: number | null | undefined): string {
  return count === null || count === undefined ? NONE : whole.format(count)
}

/** `1.02`. */
export function formatCopies(copies: number | null | undefined): string {
  return copies === null || copies === undefined ? NONE : copies.toFixed(2)
}

/** The two largest units: `4 s`, `2 min 5 s`, `3 h 10 min`, `2 d 4 h`. */
export function formatDuration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE
  const all = Math.max(0, Math.round(seconds))
  const parts = [
    [Math.floor(all / 86_400), 'd'],
    [Math.floor(all / 3_600) % 24, 'h'],
    [Math.floor(all / 60) % 60, 'min'],
    [all % 60, 's'],
  ] as const
  const first = parts.findIndex(([count]) => count > 0)
  if (first < 0) return '0 s'
  return parts
    .slice(first, first + 2)
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}

/** `14:02:11`, in the time zone of the browser. */
export function formatClock(ms: number): string {
  return new Date(ms).toLocaleTimeString('en-GB')
}

/** `2030-01-02 14:02`, in the time zone of the browser. */
export function formatTime(text: string | null | undefined): string {
  if (text === null || text === undefined) return NONE
  const time = new Date(text)
  const two = (value: number) => String(value).padStart(2, '0')
  return (
    `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())} ` +
    `${two(time.getHours())}:${two(time.getMinutes())}`
  )
}

/** `12 s ago`. */
export function formatAge(text: string | null | undefined, nowMs: number): string {
  if (text === null || text === undefined) return NONE
  return `${formatDuration((nowMs - Date.parse(text)) / 1000)} ago`
}
