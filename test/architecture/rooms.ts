/**
 * The rooms of src/ and what each may import beside itself and `core`: other rooms, single files of them, and
 * packages. docs/ARCHITECTURE.md shows the same table to people, and architecture.test.ts compares the two.
 *
 * A package stands in as few rooms as possible, because its edges are known to whoever works there: what each
 * one cannot do, and where we found out, is in docs/decisions.
 */

export interface Room {
  /** Rooms (`swarm`) or single files (`topology/schema`). */
  readonly rooms: readonly string[]
  /** From npm. Node's own modules are free to all. */
  readonly packages: readonly string[]
}

export const rooms: Readonly<Record<string, Room>> = {
  core: { rooms: [], packages: [] },
  bencode: { rooms: [], packages: [] },
  wire: { rooms: ['bencode'], packages: [] },
  topology: { rooms: [], packages: ['ip-cidr', 'zod'] },
  swarm: { rooms: [], packages: [] },
  handout: { rooms: ['swarm', 'topology'], packages: [] },
  tracker: { rooms: ['swarm', 'handout', 'topology'], packages: [] },
  site: { rooms: ['tracker/ports'], packages: ['ioredis'] },
  federation: { rooms: ['tracker/ports'], packages: [] },
  metainfo: { rooms: ['bencode', 'topology/tracker-url'], packages: ['bencode'] },
  registry: { rooms: ['tracker/ports', 'topology', 'metainfo'], packages: [] },
  webseed: { rooms: ['tracker/ports', 'registry', 'origin', 'topology', 'metainfo'], packages: [] },
  origin: { rooms: [], packages: ['@aws-sdk/client-s3', 'undici'] },
  publish: { rooms: ['origin', 'metainfo', 'bencode'], packages: [] },
  server: { rooms: ['wire', 'tracker'], packages: ['fastify'] },
  observe: { rooms: [], packages: ['pino', 'prom-client'] },
  config: { rooms: ['topology'], packages: ['yaml', 'zod'] },
  simulation: { rooms: ['swarm', 'handout', 'topology', 'tracker'], packages: [] },
  admin: {
    rooms: ['tracker', 'topology', 'swarm', 'handout', 'metainfo', 'registry', 'observe'],
    packages: ['fastify'],
  },
  daemon: {
    rooms: [
      'bencode',
      'wire',
      'topology',
      'swarm',
      'handout',
      'tracker',
      'site',
      'federation',
      'metainfo',
      'registry',
      'webseed',
      'server',
      'observe',
      'config',
      'admin',
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
      'wire',
      'bencode',
      'simulation',
      'daemon/start',
      'daemon/start-workers',
    ],
    packages: ['commander'],
  },
  // main.ts itself, which is in no room.
  main: { rooms: ['cli'], packages: [] },
}
