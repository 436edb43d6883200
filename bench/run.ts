/**
 * `npm run bench -- NAME [ARGUMENT…]`: runs one program of this folder in its own process, which can force
 * a garbage collection before it reads its memory. Without a name it lists the programs.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [name, ...rest] = process.argv.slice(2)
const fileOf = (program: string) => fileURLToPath(new URL(`${program}.js`, import.meta.url))

if (name === undefined || !/^[a-z0-9-]+$/.test(name) || name === 'run' || !existsSync(fileOf(name))) {
  const programs = readdirSync(fileURLToPath(new URL('.', import.meta.url)))
    .filter((file) => file.endsWith('.js') && file !== 'run.js')
    .map((file) => file.slice(0, -'.js'.length))
  console.error(
    `npm run bench -- NAME, where NAME is one of\n${programs.map((each) => `  ${each}`).join('\n')}`,
  )
  process.exitCode = 64
} else {
  const { status } = spawnSync(process.execPath, ['--expose-gc', fileOf(name), ...rest], { stdio: 'inherit' })
  process.exitCode = status ?? 1
}
