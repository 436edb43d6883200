/**
 * Torrents, well formed and broken, and the clients that download them: observed with the real clients by
 * test/system/client-verdicts.test.ts.
 */
import type { CaseValue, ZeroTorrentCase } from './a-zero-torrent.ts'

/** Hash tree of a file of 20,000 zeros (BEP 52). */
const ROOT = { hex: '83de568e921ea540320bbc25bdb35fef5b45438ba7d535373915e4ef0fcc9d6d' }
const LAYER =
  '4fe7b59af6de3b665b67788cc2f99892ab827efae3a467342b3bb4e3bc8e5bfe57ad9ed0b75c4a91fb12552789bc2d0e1e680525f6b427215f7397d2e1ee73f7'
const LAYERS = { [`hex:${ROOT.hex}`]: { hex: LAYER } }
const leaf = { '': { length: 20_000, 'pieces root': ROOT } }
const [a, b, c] = [{ path: ['a'] }, { path: ['b'] }, { path: ['c'] }]
const padding = { path: ['.pad', '12768'], attr: 'p', length: 12_768 }
const hashes = (count: number) => ({ hex: '00'.repeat(20 * count) })

type Info = ZeroTorrentCase['info']

const v1 = (info: Info): ZeroTorrentCase => ({ info: { name: 'd', ...info } })
const v2 = (tree: CaseValue, info: Info = {}, layers: CaseValue = LAYERS): ZeroTorrentCase => ({
  info: { name: 'd', 'meta version': 2, length: null, pieces: null, 'file tree': tree, ...info },
  'piece layers': layers,
})
const hybrid = (tree: CaseValue, files: CaseValue): ZeroTorrentCase => ({
  info: { name: 'd', 'meta version': 2, 'file tree': tree, files },
  'piece layers': LAYERS,
})

const ALL = 'libtorrent aria2 Transmission rtorrent'
const WITHOUT_V2 = 'aria2 rtorrent'
const NONE = ''

/** Name, torrent, and the clients that download it. */
export const verdictCases: readonly (readonly [string, ZeroTorrentCase, string])[] = [
  ['one file', v1({}), ALL],
  ['a folder', v1({ files: [a, b] }), ALL],
  ['pieces of 0 bytes', v1({ 'piece length': 0, pieces: hashes(0) }), NONE],
  ['pieces of 1 KiB', v1({ 'piece length': 1024 }), 'libtorrent aria2 Transmission'],
  ['pieces of 1025 bytes', v1({ 'piece length': 1025 }), ALL],
  ['pieces of 2 KiB', v1({ 'piece length': 2048 }), ALL],
  ['pieces of 20,000 bytes', v1({ 'piece length': 20_000 }), ALL],
  ['pieces of 32,767 bytes', v1({ 'piece length': 32_767 }), 'libtorrent aria2 rtorrent'],
  ['pieces of 256 MiB', v1({ 'piece length': 2 ** 28 }), ALL],
  ['pieces of 512 MiB', v1({ 'piece length': 2 ** 29 }), 'aria2 Transmission rtorrent'],
  ['pieces of 1 GiB', v1({ 'piece length': 2 ** 30 }), 'aria2'],
  ['a negative piece length', v1({ 'piece length': -1, pieces: hashes(2) }), NONE],
  ['no piece length', v1({ 'piece length': null, pieces: hashes(2) }), NONE],
  ['a piece length that is text', v1({ 'piece length': '16384', pieces: hashes(2) }), NONE],
  ['no pieces', v1({ pieces: null }), NONE],
  ['pieces that are a number', v1({ pieces: 5 }), NONE],
  ['pieces of 39 bytes', v1({ pieces: { hex: '00'.repeat(39) } }), NONE],
  ['too few pieces', v1({ pieces: hashes(1) }), NONE],
  ['no name', v1({ name: null }), 'aria2 Transmission'],
  ['a name that is a number', v1({ name: 5 }), 'aria2 Transmission'],
  ['a dot as the name of a file', v1({ name: '.' }), NONE],
  ['two dots as the name of a file', v1({ name: '..' }), NONE],
  ['three dots as the name of a file', v1({ name: '...' }), 'libtorrent aria2 rtorrent'],
  ['a space as the name of a file', v1({ name: ' ' }), 'libtorrent aria2 rtorrent'],
  ['a slash as the name of a file', v1({ name: '/' }), 'Transmission'],
  ['two dots as the name of a folder', v1({ name: '..', files: [a, b] }), 'libtorrent'],
  ['only a name in UTF-8', v1({ name: null, 'name.utf-8': 'e' }), 'libtorrent aria2 Transmission'],
  ['an empty name in UTF-8', v1({ 'name.utf-8': '', files: [a, b] }), 'libtorrent rtorrent'],
  ['no files and no length', v1({ length: null, pieces: hashes(2) }), NONE],
  ['an empty list of files', v1({ files: [] }), NONE],
  ['a file that is a number', v1({ files: [a, 5, b], pieces: hashes(3) }), NONE],
  ['a file without a path', v1({ files: [{ length: 20_000 }, b] }), NONE],
  ['an empty path', v1({ files: [{ path: [] }, b] }), NONE],
  ['a path that is text', v1({ files: [{ path: 'a' }, b] }), NONE],
  ['a path with a number', v1({ files: [{ path: ['a', 5] }, b] }), NONE],
  ['an empty path in UTF-8', v1({ files: [{ path: ['a'], 'path.utf-8': [] }, b] }), NONE],
  [
    'a path in UTF-8 that is text',
    v1({ files: [{ path: ['a'], 'path.utf-8': 'x' }, b] }),
    'libtorrent Transmission rtorrent',
  ],
  ['only a path in UTF-8', v1({ files: [{ 'path.utf-8': ['a'] }, b] }), ALL],
  ['a file without a length', v1({ files: [{ path: ['a'], length: null }, b] }), NONE],
  ['a length that is text', v1({ files: [{ path: ['a'], length: 'x' }, b], pieces: hashes(2) }), NONE],
  ['a negative length in a list', v1({ files: [{ path: ['a'], length: -1 }, b] }), NONE],
  ['a negative length of one file', v1({ length: -1, pieces: hashes(1) }), NONE],
  ['both a length and files', v1({ length: 40_000, files: [a, b] }), ALL],
  ['one empty file', v1({ length: 0 }), 'aria2'],
  ['a list of empty files', v1({ files: [{ path: ['a'], length: 0 }] }), 'aria2'],
  ['an empty file among others', v1({ files: [{ path: ['a'], length: 0 }, b] }), ALL],
  [
    'a link without a length',
    v1({ files: [a, { path: ['l'], attr: 'l', 'symlink path': ['a'], length: null }] }),
    'libtorrent',
  ],
  [
    'a link with length 0',
    v1({ files: [a, { path: ['l'], attr: 'l', 'symlink path': ['a'], length: 0 }] }),
    ALL,
  ],
  [
    'a link with a length',
    v1({ files: [a, { path: ['l'], attr: 'l', 'symlink path': ['a'] }] }),
    'aria2 Transmission rtorrent',
  ],
  ['only a link', v1({ files: [{ path: ['l'], attr: 'l', 'symlink path': ['a'], length: 0 }] }), 'aria2'],
  ['padding without a path', v1({ files: [a, { attr: 'p', length: 12_768 }, b] }), 'libtorrent'],
  ['meta version 1', v1({ 'meta version': 1 }), ALL],
  ['meta version 3', v1({ 'meta version': 3 }), 'aria2 Transmission rtorrent'],
  ['a meta version that is text', v1({ 'meta version': '2' }), ALL],
  ['meta version 2 without a tree', v1({ 'meta version': 2 }), 'aria2 Transmission rtorrent'],
  ['a tree without a meta version', v1({ 'file tree': { d: leaf } }), WITHOUT_V2],
  ['a v2 torrent', v2({ d: leaf }), 'libtorrent'],
  ['a v2 torrent with folders', v2({ a: { b: leaf }, c: leaf }), 'libtorrent'],
  ['a v2 torrent without piece layers', v2({ d: leaf }, {}, null), 'libtorrent'],
  ['a v2 torrent with empty piece layers', v2({ d: leaf }, {}, {}), 'libtorrent'],
  [
    'a v2 torrent with a layer of other hashes',
    v2({ d: leaf }, {}, { [`hex:${ROOT.hex}`]: { hex: '11'.repeat(64) } }),
    NONE,
  ],
  [
    'a v2 torrent with a short layer',
    v2({ d: leaf }, {}, { [`hex:${ROOT.hex}`]: { hex: '11'.repeat(32) } }),
    NONE,
  ],
  [
    'a v2 torrent with a layer of 31 bytes',
    v2({ d: leaf }, {}, { [`hex:${ROOT.hex}`]: { hex: '11'.repeat(31) } }),
    NONE,
  ],
  [
    'a v2 torrent with a layer of no file',
    v2({ d: leaf }, {}, { ...LAYERS, [`hex:${'22'.repeat(32)}`]: { hex: '11'.repeat(32) } }),
    'libtorrent',
  ],
  [
    'a v2 torrent with a short key in its layers',
    v2({ d: leaf }, {}, { ...LAYERS, x: { hex: '11'.repeat(32) } }),
    NONE,
  ],
  ['a v2 torrent with pieces of 32,767 bytes', v2({ d: leaf }, { 'piece length': 32_767 }), NONE],
  ['a v2 torrent with pieces of 8 KiB', v2({ d: leaf }, { 'piece length': 8192 }), NONE],
  ['a v2 file without a root', v2({ d: { '': { length: 20_000 } } }), NONE],
  [
    'a v2 file with a root of zeros',
    v2({ d: { '': { length: 20_000, 'pieces root': { hex: '00'.repeat(32) } } } }),
    NONE,
  ],
  [
    'a v2 file with a root of 31 bytes',
    v2({ d: { '': { length: 20_000, 'pieces root': { hex: '11'.repeat(31) } } } }),
    NONE,
  ],
  ['a v2 file without a length', v2({ d: { '': { 'pieces root': ROOT } } }), NONE],
  ['an empty v2 file', v2({ d: { '': { length: 0 } } }), NONE],
  ['an empty v2 tree', v2({}), NONE],
  ['a v2 file without a name', v2({ '': { length: 20_000, 'pieces root': ROOT } }), NONE],
  [
    'a v2 tree with padding',
    v2({ a: leaf, p: { '': { length: 20_000, attr: 'p', 'pieces root': ROOT } } }),
    NONE,
  ],
  ['a v2 file that is a folder too', v2({ a: { ...leaf, b: leaf } }), NONE],
  ['a v2 tree with a number', v2({ a: 5 }), NONE],
  ['a v2 link', v2({ a: leaf, l: { '': { attr: 'l', 'symlink path': ['a'], length: 0 } } }), 'libtorrent'],
  ['a hybrid torrent', hybrid({ a: leaf, b: leaf }, [a, padding, b]), 'libtorrent aria2 rtorrent'],
  [
    'a hybrid torrent with padding at its end',
    hybrid({ a: leaf, b: leaf }, [a, padding, b, { ...padding, path: ['.pad', '12768b'] }]),
    'libtorrent aria2 rtorrent',
  ],
  [
    'a hybrid torrent of one file',
    { info: { name: 'd', 'meta version': 2, 'file tree': { d: leaf } }, 'piece layers': LAYERS },
    'libtorrent aria2 rtorrent',
  ],
  [
    'a hybrid torrent of one file with two names',
    { info: { name: 'd', 'meta version': 2, 'file tree': { x: leaf } }, 'piece layers': LAYERS },
    WITHOUT_V2,
  ],
  ['a hybrid torrent without padding', hybrid({ a: leaf, b: leaf }, [a, b]), WITHOUT_V2],
  ['a hybrid torrent with other names', hybrid({ a: leaf, b: leaf }, [a, padding, c]), WITHOUT_V2],
  ['a hybrid torrent in another order', hybrid({ a: leaf, b: leaf }, [b, padding, a]), WITHOUT_V2],
  ['a hybrid torrent with fewer files in its tree', hybrid({ a: leaf }, [a, padding, b]), WITHOUT_V2],
  [
    'a hybrid torrent with more files in its tree',
    hybrid({ a: leaf, b: leaf, c: leaf }, [a, padding, b]),
    WITHOUT_V2,
  ],
  [
    'a hybrid torrent without a root',
    hybrid({ a: leaf, b: { '': { length: 20_000 } } }, [a, padding, b]),
    WITHOUT_V2,
  ],
]
