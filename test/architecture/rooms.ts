/**
 * Table of the rooms of src/ and their allowed imports, besides the room itself and `core`: other rooms, single files of
 * them, and packages. docs/ARCHITECTURE.md contains the same table, and architecture.test.ts compares the two.
 *
 * As few rooms as possible import a package, so that its peculiarities matter in one place. docs/decisions lists them.
 */

export interface Room {
  /** Rooms (`swarm`) or single files (`topology/schema`). */
  readonly rooms: readonly string[]
  /** Packages from npm. Every room may import the modules of Node. */
  readonly packages: readonly string[]
}

export const rooms: Readonly<Record<string, Room>> = {
  core: { rooms: [], packages: [] },
  bencode: { rooms: [], packages: [] },
  wire: { rooms: ['bencode'], packages: [] },
  topology: { rooms: [], packages: ['ip-cidr', 'zod'] },
  swarm: { rooms: [], packages: [] },
  handout: { rooms: ['swarm', 'topology'], packages: [] },
  replication: { rooms: ['swarm', 'topology'], packages: [] },
  'replication/memory': {
    rooms: [
      'replication/site-store',
      'replication/torrent-directory',
      'replication/torrent-description',
      'replication/override-file',
    ],
    packages: [],
  },
  'replication/redis': {
    rooms: [
      'replication/site-store',
      'replication/torrent-directory',
      'replication/torrent-description',
      'replication/torrent-writes',
      'replication/override-file',
      'replication/overrides',
    ],
    packages: ['ioredis'],
  },
  federation: { rooms: ['replication', 'swarm', 'topology'], packages: [] },
  observers: { rooms: ['wire'], packages: [] },
  carriers: { rooms: ['wire', 'observers'], packages: [] },
  tracker: { rooms: ['replication', 'handout', 'swarm', 'topology'], packages: [] },
  rollouts: { rooms: ['handout', 'swarm', 'topology'], packages: ['zod'] },
  metainfo: { rooms: ['bencode', 'topology/tracker-url'], packages: ['bencode'] },
  registry: { rooms: ['replication/site-store', 'topology', 'metainfo'], packages: [] },
  origin: { rooms: [], packages: ['@aws-sdk/client-s3', 'undici'] },
  webseed: {
    rooms: ['replication/site-store', 'registry', 'origin', 'swarm', 'topology', 'metainfo'],
    packages: [],
  },
  publish: { rooms: ['origin', 'metainfo', 'bencode'], packages: [] },
  'server/udp': { rooms: ['wire', 'tracker', 'replication/site-store'], packages: [] },
  'server/http': { rooms: ['wire', 'tracker', 'registry', 'webseed', 'topology'], packages: ['fastify'] },
  'server/admin': {
    rooms: ['tracker', 'registry', 'rollouts', 'handout', 'swarm', 'topology', 'metainfo', 'observe'],
    packages: ['@fastify/swagger', 'fastify', 'zod'],
  },
  client: { rooms: ['wire', 'bencode'], packages: [] },
  observe: { rooms: [], packages: ['pino', 'pino-pretty', 'prom-client'] },
  config: { rooms: ['topology'], packages: ['yaml', 'zod'] },
  simulation: {
    rooms: ['swarm', 'handout', 'topology', 'tracker', 'carriers/piece-assignment', 'carriers/site-order'],
    packages: [],
  },
  // The page in the browser; it reaches the node through its API only.
  // It takes types of answers from their schemas, and what commands print too.
  dashboard: {
    rooms: [
      'server/admin/answers',
      'rollouts/absent-hosts',
      'rollouts/rollout-answer',
      'rollouts/rollout-states',
      'rollouts/savings-row',
    ],
    packages: ['@preact/signals', 'preact'],
  },
  daemon: {
    rooms: [
      'wire',
      'topology',
      'swarm',
      'handout',
      'replication',
      'replication/memory',
      'replication/redis',
      'federation',
      'tracker',
      'rollouts',
      'metainfo',
      'registry',
      'webseed',
      'server/udp',
      'server/http',
      'server/admin',
      'client',
      'observers',
      'carriers',
      'observe',
      'config',
    ],
    packages: [],
  },
  cli: {
    rooms: [
      'config',
      'topology',
      'metainfo',
      'origin',
      'publish',
      'client',
      'wire',
      'federation/hello',
      'simulation',
      'rollouts/absent-hosts',
      'rollouts/expected-hosts',
      'rollouts/plan-answer',
      'rollouts/rollout-answer',
      'server/admin/answers',
      'daemon/start',
      'daemon/start-workers',
    ],
    packages: ['commander'],
  },
  // The file main.ts, which is outside the rooms.
  main: { rooms: ['cli'], packages: [] },
}
