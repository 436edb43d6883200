/** Name and version of a client, by the first eight bytes of its peer id (BEP 20), for people. */

const NAMES: Readonly<Record<string, string>> = {
  LT: 'libtorrent',
  lt: 'rtorrent',
  qB: 'qBittorrent',
  DE: 'Deluge',
  TR: 'Transmission',
  UT: 'µTorrent',
  BT: 'BitTorrent',
  BI: 'BiglyBT',
  AZ: 'Vuze',
  WW: 'WebTorrent',
  KT: 'KTorrent',
}

/** `-LT2080-` and the like: two letters, four digits of a version in base 36. */
const AZUREUS = /^-([A-Za-z]{2})([0-9A-Za-z])([0-9A-Za-z])([0-9A-Za-z])([0-9A-Za-z])-$/
/** aria2 writes its version with hyphens. */
const ARIA2 = /^A2-(\d{1,2})-(\d{1,2})-/

/** undefined for a peer id of no known form. */
export function clientName(code: string): string | undefined {
  const aria2 = ARIA2.exec(code)
  if (aria2 !== null) return `aria2 ${aria2[1]}.${aria2[2]}`
  const [, letters, ...digits] = AZUREUS.exec(code) ?? []
  if (letters === undefined) return undefined
  const version = digits.map((digit) => Number.parseInt(digit, 36))
  return `${NAMES[letters] ?? letters} ${letters === 'TR' ? transmissionVersion(digits) : shortVersion(version)}`
}

/** Without zeros at the end, but at least two numbers. */
function shortVersion(version: readonly number[]): string {
  let length = version.length
  while (length > 2 && version[length - 1] === 0) length--
  return version.slice(0, length).join('.')
}

/** `3000` is 3.00, and from 4.0 on `4050` is 4.0.5. */
function transmissionVersion([major, minor, patch]: readonly string[]): string {
  return Number(major) >= 4 ? `${major}.${minor}.${patch}` : `${major}.${minor}${patch}`
}
