// @ts-check
/**
 * Builds the dashboard into the compiled program, which serves it: `node build.mjs dist`. Part of every build, and needs
 * no network. The page consists of one HTML file, one script and one style sheet.
 */
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const own = dirname(fileURLToPath(import.meta.url))
const root = join(own, '../..')

/** @param {string} output the directory with the compiled src/, relative to the package */
export async function buildDashboard(output) {
  await build({
    root: own,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    build: {
      outDir: join(root, output, 'dashboard/page'),
      emptyOutDir: true,
      // Two years of browsers; operators of old ones have the API and the commands.
      target: ['chrome120', 'firefox120', 'safari17'],
      // An inlined file would be a data: URL, which the policy of the page rejects.
      assetsInlineLimit: 0,
      modulePreload: false,
    },
  })
}

const [, program, output] = process.argv
if (program === fileURLToPath(import.meta.url) && output !== undefined) await buildDashboard(output)
