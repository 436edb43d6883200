/** Generators of bencoding: well formed and not canonical, and the same with some bytes replaced. */
import fc from 'fast-check'

const digits = fc.stringMatching(/^[0-9]{1,40}$/)

/** Leading zeros, -0 and numbers beyond every machine word included. */
const bencodedInteger = fc
  .tuple(fc.boolean(), digits)
  .map(([isNegative, text]) => Buffer.from(`i${isNegative ? '-' : ''}${text}e`))

/** Binary, sometimes with zeros before its length. */
export const bencodedString = fc
  .tuple(fc.uint8Array({ maxLength: 20 }), fc.constantFrom('', '', '', '0', '000'))
  .map(([bytes, zeros]) => Buffer.concat([Buffer.from(`${zeros}${bytes.length}:`), bytes]))

/** Lists and dictionaries up to six deep; keys unsorted, binary, and often repeated. */
export const bencoded: fc.Arbitrary<Buffer> = fc.letrec<{ value: Buffer }>((tie) => {
  const list = fc
    .array(tie('value'), { maxLength: 5 })
    .map((items) => Buffer.concat([Buffer.from('l'), ...items, Buffer.from('e')]))
  const key = fc.oneof(
    bencodedString,
    fc.constantFrom('1:a', '1:b', '2:aa').map((text) => Buffer.from(text)),
  )
  const dictionary = fc
    .array(fc.tuple(key, tie('value')), { maxLength: 5 })
    .map((entries) => Buffer.concat([Buffer.from('d'), ...entries.flat(), Buffer.from('e')]))
  return {
    value: fc.oneof({ maxDepth: 6, depthSize: 'medium' }, bencodedInteger, bencodedString, list, dictionary),
  }
}).value

/** With one to three bytes replaced: most of it is still well formed. */
export const nearlyBencoded = fc
  .tuple(
    bencoded,
    fc.array(fc.tuple(fc.nat(), fc.constantFrom(...'dlei:-09x'.split(''))), { minLength: 1, maxLength: 3 }),
  )
  .map(([value, changes]) => {
    const bytes = Buffer.from(value)
    for (const [at, character] of changes) bytes.write(character, at % bytes.length, 'latin1')
    return bytes
  })
