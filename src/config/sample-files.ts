/**
 * The commented samples of the package, in `config/` beside `dist/`. Commands without a file read these, so that a
 * first try needs none.
 */
import { fileURLToPath } from 'node:url'

export const sampleFiles = {
  config: fileURLToPath(new URL('../../config/siteswarm.yaml', import.meta.url)),
  topology: fileURLToPath(new URL('../../config/topology.yaml', import.meta.url)),
} as const
