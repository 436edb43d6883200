/**
 * Order of the rows of a table by the values of one column. Each value is read once for a sort, not once for each
 * comparison: 10,000 names that a collator compares block the page for a quarter of a second.
 */

export type SortKey = string | number

/** Rows with equal keys stay in their order. */
export function sortRows<Row>(
  rows: readonly Row[],
  keyOf: (row: Row) => SortKey,
  isDown: boolean,
): readonly Row[] {
  const keyed = rows.map((row) => ({ row, key: keyOf(row) }))
  const direction = isDown ? -1 : 1
  keyed.sort((a, b) => (a.key < b.key ? -direction : a.key > b.key ? direction : 0))
  return keyed.map(({ row }) => row)
}

/** An unknown value sorts before every known one. */
export function byNumber<Row>(value: (row: Row) => number | null | undefined): (row: Row) => number {
  return (row) => value(row) ?? -1
}

export function byText<Row>(value: (row: Row) => string | null | undefined): (row: Row) => string {
  return (row) => textKey(value(row) ?? '')
}

/** Longer numbers are compared digit by digit. */
const DIGITS = 12

/** Without case and accents, and with numbers in the order of their value: `node-9` before `node-10`. */
function textKey(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/\d+/g, (digits) => digits.padStart(DIGITS, '0'))
}
