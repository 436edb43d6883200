/** The package `bencode` 4 has no types. Only the encoder is declared: the decoder turns binary keys into hex. */
declare module 'bencode' {
  const bencode: {
    /** Text is written as UTF-8. Not for null, fractions or BigInt: they vanish or change. */
    encode(value: string | readonly string[] | readonly (readonly string[])[]): Uint8Array
  }
  export default bencode
}
