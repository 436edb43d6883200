/**
 * The commented examples that come with the package, in `config/` beside `dist/`. Commands that are given no
 * file read these, so that a first try needs none.
 */
import { fileURLToPath } from 'node:url'

export const sampleFiles = {
  config: fileURLToPath(new URL('../../config/siteswarm.yaml', import.meta.url)),
  topology: fileURLToPath(new URL('../../config/topology.yaml', import.meta.url)),
} as const
