/** Every program that `npm test` installs is needed by a test. */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import requirements from '../../setup/requirements.json' with { type: 'json' }

test('every requirement is needed by a test', () => {
  const sources = readdirSync('test', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => readFileSync(`test/${file}`, 'utf8'))
  const needed = sources.filter((source) => /\bneeds\(/.test(source)).join('\n')
  expect(Object.keys(requirements).filter((name) => !needed.includes(`'${name}'`))).toEqual([])
})
