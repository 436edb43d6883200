// @ts-check
/**
 * Bundles `siteswarm locate` into the compiled program: `node bundle-locate.mjs dist`. Part of every build, and needs no
 * network.
 *
 * Scripts start `locate` for single addresses. Its packages consist of 150 modules, whose loading takes three times as long
 * as the start of Node. The bundle is one file without comments, and beside it is the compiled code of what a look-up runs.
 * Another version of Node rejects that code and compiles the file.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'vite'

const own = dirname(fileURLToPath(import.meta.url))
const root = join(own, '../..')

/** The compiled code contains what ran before it is taken: every kind of value that a topology file has. */
const SAMPLE = `# comment
sites:
  fra:
    region: eu
    cidrs: [127.1.0.0/16, 'fd00:1::/48']
    trackers:
      - http://t1.fra.example:6969/announce
      - udp://t1.fra.example:6969/announce
    federation: ["http://t1.fra.example:6970"]
    expect: 600
    bubbles:
      row-a:
        cidrs:
          - 127.1.1.0/24
  ams:
    cidrs: [127.2.0.0/16]
    gateways: 2
links:
  - between: [fra, ams]
    cost: 5
    rate: 200Mbit
unmapped: refuse
`

/**
 * Modules of Node that a look-up imports and does not use, with their functions: each takes a tenth of the start of Node.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
const BUILTINS_ON_DEMAND = {
  'node:child_process': ['spawn'],
  'node:crypto': ['createHash', 'randomBytes', 'timingSafeEqual'],
}

/**
 * @param {string} module
 * @param {string} name of a function
 */
function onDemand(module, name) {
  return `export const ${name} = (...given) => process.getBuiltinModule('${module}').${name}(...given)`
}

const SCHEMAS_OF_ZOD = '/zod/v4/classic/schemas.js'

/**
 * A look-up prints no description of a key, and each one copies its schema: a third of the time in which the schema is made.
 * @param {string} code
 */
function withoutDescriptions(code) {
  const copies = /const cl = this\.clone\(\);\s+core\.globalRegistry\.add\(cl, [^;]+\);\s+return cl;/g
  if (code.match(copies)?.length !== 2) throw new Error('zod has other methods for descriptions')
  return code.replace(copies, 'return this;')
}

/** @param {string} output the directory with the compiled src/, relative to the package */
async function bundle(output) {
  const directory = join(root, output, 'cli')
  /** @type {Set<string>} */
  const packages = new Set()
  await build({
    root: own,
    configFile: false,
    logLevel: 'warn',
    publicDir: false,
    ssr: { noExternal: true },
    // Its modules for Node are CommonJS, of which everything stays in the bundle.
    resolve: {
      alias: {
        yaml: join(root, 'node_modules/yaml/browser/dist/index.js'),
        'ip-cidr': join(root, output, 'cli/locate-prefix-length.js'),
      },
    },
    build: {
      ssr: join(directory, 'run.js'),
      outDir: directory,
      emptyOutDir: false,
      target: 'node20',
      rolldownOptions: {
        // The other commands stay files.
        external: /^\.\/commands\/(?!locate\.)/,
        output: {
          format: 'cjs',
          entryFileNames: 'locate-bundle.cjs',
          codeSplitting: false,
          // Checks that are compiled for one value each take longer than the values.
          banner: 'globalThis.__zod_globalConfig = { jitless: true };',
          // Names stay, for the stack trace of a bug.
          minify: { mangle: false, compress: false, codegen: true },
        },
      },
    },
    plugins: [
      {
        name: 'builtins-on-demand',
        enforce: 'pre',
        resolveId: (id) => (id in BUILTINS_ON_DEMAND ? `\0${id}` : undefined),
        load: (id) => BUILTINS_ON_DEMAND[id.slice(1)]?.map((name) => onDemand(id.slice(1), name)).join('\n'),
      },
      {
        name: 'no-descriptions',
        transform: (code, id) => (id.endsWith(SCHEMAS_OF_ZOD) ? withoutDescriptions(code) : undefined),
      },
      {
        name: 'licences',
        moduleParsed({ id }) {
          const path = /^(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1]
          if (path !== undefined) packages.add(path)
        },
      },
    ],
  })
  writeFileSync(
    join(directory, 'locate-bundle.licences.txt'),
    [...packages].toSorted().map(licence).join('\n'),
  )
  escapeToAscii(join(directory, 'locate-bundle.cjs'))
  await writeCompiledCode(directory)
}

/**
 * A text of one byte a character is read and compiled in two thirds of the time of one with an ellipsis in it.
 * @param {string} path
 */
function escapeToAscii(path) {
  const escape = (/** @type {string} */ character) =>
    `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
  writeFileSync(path, readFileSync(path, 'utf8').replace(/[\u0080-\uffff]/g, escape))
}

/** @param {string} path of a package in the bundle */
function licence(path) {
  const { name, version, license, author } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'))
  if (typeof license !== 'string') throw new Error(`${name} names no licence; it cannot be in the bundle`)
  const file = readdirSync(path).find((each) => /^licen[cs]e/i.test(each))
  // Some packages only name their licence.
  const text = file === undefined ? (author?.name ?? author ?? '') : readFileSync(join(path, file), 'utf8')
  return `${name} ${version}, ${license}\n\n${text}\n`
}

/** @param {string} directory */
async function writeCompiledCode(directory) {
  /** @type {typeof import('./locate-bundle.ts')} */
  const { loadLocateBundle } = await import(pathToFileURL(join(directory, 'locate-bundle.js')).href)
  const loaded = loadLocateBundle({ isCompiled: false })
  if (loaded === undefined) throw new Error('the bundle is not in the output')
  const temporary = mkdtempSync(join(tmpdir(), 'siteswarm-'))
  try {
    const topology = join(temporary, 'topology.yaml')
    writeFileSync(topology, SAMPLE)
    const args = ['locate', '127.1.1.5', 'fd00:1::7', '--topology', topology]
    /** @type {string[]} */
    const lines = []
    const exitCode = await loaded.exports.runCli(args, {
      out: () => {},
      outBytes: () => {},
      err: (line) => void lines.push(line),
      showStatus: undefined,
      isTerminal: false,
      environment: {},
      version: '',
      nowMs: () => Date.now(),
      signal: new AbortController().signal,
    })
    if (exitCode !== 0) throw new Error(`the bundle of locate failed: ${lines.join('\n')}`)
  } finally {
    rmSync(temporary, { recursive: true })
  }
  writeFileSync(join(directory, 'locate-bundle.code'), loaded.script.createCachedData())
}

const [, program, output] = process.argv
if (program === fileURLToPath(import.meta.url) && output !== undefined) await bundle(output)
