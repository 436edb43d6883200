/**
 * The node configuration: one schema gives its types, defaults, checks, the default file, the editor schema,
 * the names of the environment variables and the reference page.
 *
 * A description tells the operator when to touch the key.
 */
import * as z from 'zod'
import { prefixText } from '../topology/schema.ts'
import { duration, listenAddress, numberFrom, path, store, token } from './values.ts'

/** WebTorrent waits in a JavaScript timer: above 2^31-1 ms it fires at once, and again, without end. */
const INTERVAL_MAX = '2147483s'

/** Shorter ones are an attack on ourselves: a thousand peers of one torrent would be a thousand announces a second. */
const INTERVAL_MIN = '1s'

const tokenFile = () =>
  path('a file with the token')
    .optional()
    .describe('A file that holds the token, instead of `token`. A newline at its end is dropped.')
    .meta({ examples: ['/run/secrets/token'] })

export const nodeSchema = z
  .strictObject({
    site: z
      .string('expected the name of a site')
      .min(1, 'expected the name of a site')
      .describe('The site of this node, as it is called in the topology.')
      .meta({ title: 'name', examples: ['fra'] }),
    topology: path('the topology file')
      .describe(
        'The topology file. All nodes of all sites have the same one. Edit it while the node runs: it is checked first, then taken whole.',
      )
      .meta({ examples: ['./topology.yaml'] }),
    listen: z
      .strictObject({
        http: listenAddress()
          .prefault('0.0.0.0:6969')
          .describe(
            'Where clients announce over HTTP. `[::]:6969`, in quotes, answers IPv6 too. Port 0 picks a free one and logs it.',
          ),
        udp: listenAddress()
          .prefault('0.0.0.0:6969')
          .describe(
            'Where clients announce over UDP. On a machine with several addresses in one network, name the one of the tracker URL: clients drop answers that come from another. Port 0 picks a free one and logs it.',
          ),
        admin: listenAddress()
          .prefault('127.0.0.1:6970')
          .describe(
            'Where metrics, health and the API of the operator are. Set `admin.token` before it listens on more than this machine.',
          ),
      })
      .prefault({})
      .describe('Where the node listens. Change it when a port is taken, or to bind one address.'),
    store: store()
      .prefault('memory')
      .describe(
        'Where the nodes of the site share what they learn. `memory` is for a site with one node; with several, name their Redis: `redis://…`, `rediss://…`, `redis+sentinel://host,host/master`, `redis+cluster://host,host`. User and password go before the host.',
      ),
    dataDirectory: path('a directory')
      .prefault('./data')
      .describe(
        'Where the memory store keeps its snapshot, so that a restart still knows the peers. Put it on a disk that stays.',
      ),
    interval: z
      .strictObject({
        min: duration({ min: INTERVAL_MIN, max: INTERVAL_MAX })
          .prefault('60s')
          .describe(
            'The shortest pause between two announces of a client. Lower it and hosts finish a little sooner, for more announces.',
          ),
        max: duration({ min: INTERVAL_MIN, max: INTERVAL_MAX })
          .prefault('30m')
          .describe('The longest pause. A host that vanished is handed out for about twice as long.'),
      })
      .prefault({})
      .describe(
        'How often clients come back. The node chooses between the two by load and by what a client waits for.',
      ),
    torrents: z
      .strictObject({
        admit: z
          .enum(['any', 'registered'], 'expected any or registered')
          .prefault('any')
          .describe(
            'Which torrents are served: `any`, or only `registered` ones. Choose `registered` where not everybody may use the tracker.',
          ),
        directory: path('a directory').prefault('./torrents').describe('Where registered torrents are kept.'),
      })
      .prefault({})
      .describe('Which torrents the node serves.'),
    origin: z
      .strictObject({
        directory: path('a directory')
          .optional()
          .describe(
            'Torrents whose origin is a file or folder below this directory have a web seed on this node. Without it, no file of this machine is served; HTTP and S3 origins always are.',
          )
          .meta({ examples: ['/srv/images'] }),
        copiesPerSite: numberFrom({ min: 1, max: 10, isWhole: false })
          .prefault(1.1)
          .describe(
            'How much of a torrent the host that fetches for a site may have from the origin, in copies. Raise it where connections to the nodes break often: what was lost with them is fetched again.',
          ),
        requestsPerSite: numberFrom({ min: 1, max: 64, isWhole: true })
          .prefault(8)
          .describe(
            'How many requests of one site for one torrent are answered at the same time; all are those of one host. Lower it for an origin that suffers from many.',
          ),
      })
      .prefault({})
      .describe('Where the content of registered torrents comes from until a site has a copy.'),
    admin: z
      .strictObject({
        token: token()
          .optional()
          .describe(
            'What the API asks for as bearer token. Without one, the admin listener answers this machine alone.',
          ),
        tokenFile: tokenFile(),
      })
      .prefault({})
      .describe('Who may use the admin listener.'),
    federation: z
      .strictObject({
        token: token()
          .optional()
          .describe(
            'What the nodes of all sites show each other. Set it, the same everywhere, once there are two sites.',
          ),
        tokenFile: tokenFile(),
      })
      .prefault({})
      .describe('How sites trust each other.'),
    trustedProxies: z
      .array(prefixText())
      .meta({ title: 'list of prefixes' })
      .prefault([])
      .describe(
        'Prefixes of reverse proxies in front of this node, whose X-Forwarded-For header is believed. List exactly those: whoever is listed can claim any address.',
      ),
    log: z
      .strictObject({
        level: z
          .enum(
            ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
            'expected a log level: fatal, error, warn, info, debug or trace',
          )
          .prefault('info')
          .describe('The least important message that is written. Below `info` a busy node writes a lot.'),
      })
      .prefault({})
      .describe('What the node writes to its log, one JSON object a line.'),
  })
  .meta({ title: 'siteswarm node', description: 'Configuration of one siteswarm node.' })

/** As the schema leaves it: typed, defaults filled in, paths still as they were written. */
export type NodeFile = z.output<typeof nodeSchema>
