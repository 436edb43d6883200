/** The package `bencode` 4 has no types. Only what we call is declared: its decoder turns binary keys into hex. */
declare module 'bencode' {
  const bencode: {
    /** Text is written as UTF-8. Never give it null, a fraction or a BigInt: they vanish or change. */
    encode(value: string | readonly string[] | readonly (readonly string[])[]): Uint8Array
  }
  export default bencode
}
