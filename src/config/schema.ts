/**
 * The node configuration. One schema gives its types, defaults, checks, the default file, the editor schema, the
 * names of the environment variables and the reference page.
 *
 * A description tells the operator when to change the key.
 */
import * as z from 'zod'
import { CONNECTIONS_MAX, OBSERVERS_MAX, PEERS_MAX, SWARMS_MAX } from '../core/limits.ts'
import { prefixText } from '../topology/schema.ts'
import { duration, listenAddress, numberFrom, path, size, store, token } from './values.ts'

/** WebTorrent schedules announces with a JavaScript timer: above 2^31-1 ms it fires at once, in an endless loop. */
const INTERVAL_MAX = '2147483s'

/**
 * A shorter interval is a self-inflicted flood: a thousand peers of one torrent would send a thousand announces a
 * second.
 */
const INTERVAL_MIN = '1s'

/** Half of the cache is for pieces that arrive: two of 16 MiB, the largest in use. */
const CACHE_MIN = '64MiB'

/** A node carries a few gigabytes a second at most; blocks older than some seconds are rarely requested. */
const CACHE_MAX = '64GiB'

/** Events of rollouts; `rollouts/rollout-events.ts` has the same list, and a test compares them. */
export const WEBHOOK_EVENTS = ['started', 'site-complete', 'complete', 'stranded', 'held'] as const

const WEBHOOK_EVENTS_MESSAGE = `expected one of ${WEBHOOK_EVENTS.join(', ')}`

const WEBHOOK_MESSAGE = 'expected an http or https URL\nwrite it as https://ci.example/siteswarm'

const webhookUrl = () =>
  z
    .string(WEBHOOK_MESSAGE)
    .refine((text) => URL.canParse(text) && /^https?:\/\/[^\s]+$/.test(text), WEBHOOK_MESSAGE)

const tokenFile = () =>
  path('a file with the token')
    .optional()
    .describe('A file that contains the token, instead of `token`. A newline at its end is ignored.')
    .meta({ examples: ['/run/secrets/token'] })

const tlsFiles = (describe: { readonly certificate: string; readonly key: string }) =>
  z.strictObject({
    certificate: path('a file with the certificate')
      .describe(describe.certificate)
      .meta({ examples: ['/etc/siteswarm/node.pem'] }),
    key: path('a file with the private key')
      .describe(describe.key)
      .meta({ examples: ['/etc/siteswarm/node.key'] }),
  })

export const nodeSchema = z
  .strictObject({
    site: z
      .string('expected the name of a site')
      .min(1, 'expected the name of a site')
      .describe('The site of this node, by its name in the topology.')
      .meta({ title: 'name', examples: ['fra'] }),
    topology: path('the topology file')
      .describe(
        'The topology file, the same on all nodes of all sites. It can be edited while the node runs: the node checks the new file and applies it as a whole.',
      )
      .meta({ examples: ['./topology.yaml'] }),
    listen: z
      .strictObject({
        http: listenAddress()
          .prefault('[::]:6969')
          .describe(
            'Address of HTTP announces. `[::]` is all addresses of the machine, IPv4 and IPv6; `0.0.0.0` is those of IPv4. Port 0 selects a free port and logs it.',
          ),
        udp: listenAddress()
          .prefault('[::]:6969')
          .describe(
            'Address of UDP announces. On a machine with several addresses in one network, set the one of the tracker URL: clients drop responses from another address. Port 0 selects a free port and logs it.',
          ),
        admin: listenAddress()
          .prefault('127.0.0.1:6970')
          .describe(
            'Address of metrics, health and the admin API. Set `admin.token` before binding it to an address that other machines reach.',
          ),
        peers: listenAddress()
          .prefault('[::]:6968')
          .describe(
            'Address at which clients of the site that cannot be dialled connect to the node, which carries content for them. The node hands it out as a peer. On a machine with several networks, set the address that the clients of the site reach. Port 0 selects a free port and logs it.',
          ),
        tls: tlsFiles({
          certificate:
            'A PEM file with the certificate of the node, and after it those between it and the root. The node reads both files again when one changes.',
          key: 'A PEM file with the private key of the certificate, without a passphrase.',
        })
          .optional()
          .describe(
            'TLS 1.2 and 1.3 at `listen.http` and `listen.admin`, which then accept no plain connection. The URLs of the node in the topology begin with `https://`. Set it where no proxy in front of the node ends TLS.',
          ),
      })
      .prefault({})
      .describe(
        'Listen addresses of the node. Change one when its port is in use, or to bind a single address.',
      ),
    observe: z
      .strictObject({
        connections: numberFrom({ min: 0, max: OBSERVERS_MAX, isWhole: true })
          .prefault(4096)
          .describe(
            'Connections of this node to clients of its site at the same time. 0 turns observation and carriers off. Raise it for sites with more active clients than that: beyond the limit, clients are observed in turn.',
          ),
      })
      .prefault({})
      .describe(
        'Observation of clients over the peer protocol, without content: reachability and progress between announces. The same connections carry content.',
      ),
    carry: z
      .strictObject({
        cache: size({ min: CACHE_MIN, max: CACHE_MAX })
          .prefault('256MiB')
          .describe(
            'Memory for blocks that the node carries between sites and to the hosts of its site. Raise it for several large rollouts at the same time: blocks that are not in the cache any more are fetched again from a host of the site.',
          ),
      })
      .prefault({})
      .describe(
        'Content that the node carries. The links of the topology define between which sites; `observe.connections: 0` turns it off.',
      ),
    store: store()
      .prefault('memory')
      .describe(
        'Shared state of the nodes of the site. `memory` is for a site with one node; with several nodes, give the URL of their Redis: `redis://…`, `rediss://…`, `redis+sentinel://host,host/master`, `redis+cluster://host,host`. User and password go before the host.',
      ),
    dataDirectory: path('a directory')
      .prefault('./data')
      .describe(
        'Directory of the snapshot of the memory store, which keeps the peers over a restart. Use a persistent disk.',
      ),
    interval: z
      .strictObject({
        min: duration({ min: INTERVAL_MIN, max: INTERVAL_MAX })
          .prefault('60s')
          .describe(
            'The shortest time between two announces of a client. A lower value lets hosts finish slightly sooner, at the cost of more announces.',
          ),
        max: duration({ min: INTERVAL_MIN, max: INTERVAL_MAX })
          .prefault('30m')
          .describe(
            'The longest time between two announces. A host that disappears without a stopped event is handed out for about twice as long.',
          ),
      })
      .prefault({})
      .describe(
        'Announce interval. The node chooses a value between the two by load and by the state of the client.',
      ),
    torrents: z
      .strictObject({
        admit: z
          .enum(['any', 'registered'], 'expected any or registered')
          .prefault('any')
          .describe(
            'Torrents that are served: `any`, or only `registered` ones. Choose `registered` to restrict the use of the tracker.',
          ),
        directory: path('a directory')
          .optional()
          .describe(
            'Directory of registered torrents; the node must be able to write there. The default is `torrents` below `dataDirectory`. A .torrent file that is put there is registered within seconds.',
          )
          .meta({ examples: ['/srv/torrents'] }),
      })
      .prefault({})
      .describe('Torrents that the node serves.'),
    origin: z
      .strictObject({
        directory: path('a directory')
          .optional()
          .describe(
            'Torrents whose origin is a file or folder below this directory have a web seed on this node. Without it, the node serves no local file; HTTP and S3 origins are always served.',
          )
          .meta({ examples: ['/srv/images'] }),
        redirectsTo: z
          .array(prefixText())
          .meta({ title: 'list of prefixes' })
          .prefault([])
          .describe(
            'Loopback, link-local and metadata addresses to which the server of an HTTP origin may redirect this node. Other addresses, and the host of the origin itself, need no entry.',
          ),
        copiesPerSite: numberFrom({ min: 1, max: 10, isWhole: false })
          .prefault(1.1)
          .describe(
            'Data that the fetching host of a site may download from the origin, in copies of the torrent. Raise it where connections to the nodes break often, because lost data is fetched again.',
          ),
        requestsPerSite: numberFrom({ min: 1, max: 64, isWhole: true })
          .prefault(8)
          .describe(
            'Concurrent requests of one site for one torrent, all from one host. Lower it for an origin that does not handle concurrency well.',
          ),
      })
      .prefault({})
      .describe('Source of the content of registered torrents until a site has a copy.'),
    admin: z
      .strictObject({
        token: token()
          .optional()
          .describe(
            'Bearer token of the admin API. Without one, the admin listener answers requests from this machine only.',
          ),
        tokenFile: tokenFile(),
        readToken: token()
          .optional()
          .describe(
            'A second token, for requests that change nothing. Give it to dashboards and scripts that only read.',
          ),
        readTokenFile: path('a file with the token')
          .optional()
          .describe('A file that contains it, instead of `readToken`. A newline at its end is ignored.')
          .meta({ examples: ['/run/secrets/read-token'] }),
      })
      .prefault({})
      .describe('Access to the admin listener.'),
    federation: z
      .strictObject({
        token: token()
          .optional()
          .describe(
            'Token that nodes present to the nodes of other sites. Set the same one on all nodes once there are two sites.',
          ),
        tokenFile: tokenFile(),
        tls: tlsFiles({
          certificate:
            'A PEM file with the certificate of this node for nodes of other sites. Its subjectAltName has `URI:urn:siteswarm:site:NAME` with the name of the site.',
          key: 'A PEM file with the private key of the certificate, without a passphrase.',
        })
          .extend({
            authority: path('a file with the certificates of the authorities')
              .describe(
                'A PEM file with the authorities that sign the certificates of the nodes of all sites, those of `listen.tls` included.',
              )
              .meta({ examples: ['/etc/siteswarm/authority.pem'] }),
          })
          .optional()
          .describe(
            'Certificates between sites, instead of the token: a node is admitted as the site that its certificate names. Needs `listen.tls`.',
          ),
      })
      .prefault({})
      .describe('Authentication between sites.'),
    webhooks: z
      .strictObject({
        urls: z
          .array(webhookUrl())
          .meta({ title: 'list of URLs', examples: [['https://ci.example/siteswarm']] })
          .prefault([])
          .describe(
            'URLs that receive the events of rollouts as POST requests. Set them at the nodes of one site: it reports the events of all sites.',
          ),
        events: z
          .array(z.enum(WEBHOOK_EVENTS, WEBHOOK_EVENTS_MESSAGE))
          .meta({ title: 'list of events' })
          .prefault([...WEBHOOK_EVENTS])
          .describe('Events that are sent. Leave out those that the receiver does not need.'),
        secret: token()
          .optional()
          .describe(
            'Key of the signature of each request, as in Standard Webhooks. Without one, requests are not signed.',
          ),
        secretFile: path('a file with the secret')
          .optional()
          .describe('A file that contains the secret, instead of `secret`. A newline at its end is ignored.')
          .meta({ examples: ['/run/secrets/webhooks'] }),
      })
      .prefault({})
      .describe('Notification of other programs about rollouts.'),
    announce: z
      .strictObject({
        tokenFile: path('a file with tokens')
          .optional()
          .describe(
            'A file with a name and a token on each line. Announces are then accepted at `/announce/{token}` only, and the torrents that the node serves to a site have the first token of its name, or of `default`. Changes of the file apply at once: add a new token above the old one, and remove the old one later.',
          )
          .meta({ examples: ['/run/secrets/announce-tokens'] }),
      })
      .prefault({})
      .describe('Tokens that clients announce with.'),
    limits: z
      .strictObject({
        connectionsPerSource: numberFrom({ min: 1, max: CONNECTIONS_MAX, isWhole: true })
          .prefault(1_000)
          .describe(
            'HTTP connections of one source at the same time; further ones are closed. A source is an IPv4 address or an IPv6 /64. Trusted proxies have no limit.',
          ),
        requestsPerSource: numberFrom({ min: 1, max: 1_000_000, isWhole: true })
          .prefault(5_000)
          .describe(
            'Announces and scrapes of one source a second; further ones are rejected, and over UDP most of them get no response.',
          ),
        torrentsPerSource: numberFrom({ min: 1, max: SWARMS_MAX, isWhole: true })
          .prefault(10_000)
          .describe(
            'Torrents a minute that one source may announce as the first peer; further ones are rejected.',
          ),
        peersPerSource: numberFrom({ min: 1, max: PEERS_MAX, isWhole: true })
          .prefault(100_000)
          .describe(
            'Peers of one source at the same time, over all torrents; further ones are rejected. Raise it for a NAT address with many hosts.',
          ),
        torrents: numberFrom({ min: 1, max: SWARMS_MAX, isWhole: true })
          .prefault(SWARMS_MAX)
          .describe(
            'Torrents with peers at the same time. Above it, a new torrent replaces one of the source with the most peers. Lower it on a machine with little memory: a million torrents take 1 GiB.',
          ),
        peers: numberFrom({ min: 1, max: PEERS_MAX, isWhole: true })
          .prefault(PEERS_MAX)
          .describe(
            'Peers at the same time. Above it, a new peer replaces one of the source with the most peers. Lower it on a machine with little memory: sixteen million peers take 1 GiB.',
          ),
      })
      .prefault({})
      .describe(
        'Limits that keep one host from using up the node. Raise those per source where many hosts share one NAT address.',
      ),
    trustedProxies: z
      .array(prefixText())
      .meta({ title: 'list of prefixes' })
      .prefault([])
      .describe(
        'Prefixes of the reverse proxies in front of this node, whose X-Forwarded-For header and PROXY header (version 1 or 2) is trusted. List exactly those: a listed address can claim any client address.',
      ),
    log: z
      .strictObject({
        level: z
          .enum(
            ['fatal', 'error', 'warn', 'info', 'debug', 'trace'],
            'expected a log level: fatal, error, warn, info, debug or trace',
          )
          .prefault('info')
          .describe('The lowest severity that is logged. Below `info` a busy node logs a lot.'),
      })
      .prefault({})
      .describe('The log of the node, one JSON object per line.'),
  })
  .meta({ title: 'siteswarm node', description: 'Configuration of one siteswarm node.' })

/** Output of the schema: typed, defaults filled in, paths as written. */
export type NodeFile = z.output<typeof nodeSchema>
