/**
 * The peer id of a node (BEP 20, Azureus style): the program, its version, and twelve characters of chance, so that a
 * client which counts peers by id counts each connection of a node.
 */
import type { Random } from '../../core/random.ts'

const PREFIX = '-SW0200-'
/** Letters and digits only: clients print peer ids in their logs. */
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyz'
const RANDOM_CHARACTERS = 12

export function makePeerId(random: Random): Buffer {
  let id = PREFIX
  for (let drawn = 0; drawn < RANDOM_CHARACTERS; drawn++) id += ALPHABET.charAt(random.below(ALPHABET.length))
  return Buffer.from(id, 'latin1')
}
