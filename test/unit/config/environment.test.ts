import { describe, expect, it } from 'vitest'
import { environmentKeys, readEnvironment } from '../../../src/config/environment.ts'
import { schemaTree } from '../../../src/config/report.ts'
import { nodeSchema } from '../../../src/config/schema.ts'

const tree = schemaTree(nodeSchema)

describe('the environment', () => {
  it('has exactly one variable for each key', () => {
    expect(environmentKeys(tree).map(({ variable }) => variable)).toEqual([
      'SITESWARM_SITE',
      'SITESWARM_TOPOLOGY',
      'SITESWARM_LISTEN_HTTP',
      'SITESWARM_LISTEN_UDP',
      'SITESWARM_LISTEN_ADMIN',
      'SITESWARM_LISTEN_PEERS',
      'SITESWARM_LISTEN_TLS_CERTIFICATE',
      'SITESWARM_LISTEN_TLS_KEY',
      'SITESWARM_OBSERVE_CONNECTIONS',
      'SITESWARM_CARRY_CACHE',
      'SITESWARM_STORE',
      'SITESWARM_DATA_DIRECTORY',
      'SITESWARM_INTERVAL_MIN',
      'SITESWARM_INTERVAL_MAX',
      'SITESWARM_TORRENTS_ADMIT',
      'SITESWARM_TORRENTS_DIRECTORY',
      'SITESWARM_ORIGIN_DIRECTORY',
      'SITESWARM_ORIGIN_REDIRECTS_TO',
      'SITESWARM_ORIGIN_COPIES_PER_SITE',
      'SITESWARM_ORIGIN_REQUESTS_PER_SITE',
      'SITESWARM_ADMIN_TOKEN',
      'SITESWARM_ADMIN_TOKEN_FILE',
      'SITESWARM_ADMIN_READ_TOKEN',
      'SITESWARM_ADMIN_READ_TOKEN_FILE',
      'SITESWARM_FEDERATION_TOKEN',
      'SITESWARM_FEDERATION_TOKEN_FILE',
      'SITESWARM_FEDERATION_TLS_CERTIFICATE',
      'SITESWARM_FEDERATION_TLS_KEY',
      'SITESWARM_FEDERATION_TLS_AUTHORITY',
      'SITESWARM_WEBHOOKS_URLS',
      'SITESWARM_WEBHOOKS_EVENTS',
      'SITESWARM_WEBHOOKS_SECRET',
      'SITESWARM_WEBHOOKS_SECRET_FILE',
      'SITESWARM_ANNOUNCE_TOKEN_FILE',
      'SITESWARM_LIMITS_CONNECTIONS_PER_SOURCE',
      'SITESWARM_LIMITS_REQUESTS_PER_SOURCE',
      'SITESWARM_LIMITS_TORRENTS_PER_SOURCE',
      'SITESWARM_LIMITS_PEERS_PER_SOURCE',
      'SITESWARM_LIMITS_TORRENTS',
      'SITESWARM_LIMITS_PEERS',
      'SITESWARM_TRUSTED_PROXIES',
      'SITESWARM_LOG_LEVEL',
    ])
  })

  it('splits lists at commas, and reads an empty variable as an empty list', () => {
    const listOf = (text: string) =>
      readEnvironment({ SITESWARM_TRUSTED_PROXIES: text }, tree).values.map(({ value }) => value)
    expect(listOf('10.0.0.0/8, fd00::/8')).toEqual([['10.0.0.0/8', 'fd00::/8']])
    expect(listOf('')).toEqual([[]])
  })

  it('ignores the variables that Kubernetes sets for a Service called siteswarm', () => {
    const environment = {
      SITESWARM_SERVICE_HOST: '10.0.0.1',
      SITESWARM_SERVICE_PORT: '6969',
      SITESWARM_SERVICE_PORT_HTTP: '6969',
      SITESWARM_PORT: 'tcp://10.0.0.1:6969',
      SITESWARM_PORT_6969_TCP: 'tcp://10.0.0.1:6969',
      SITESWARM_PORT_6969_UDP_ADDR: '10.0.0.1',
      SITESWARM_FRA_PORT: 'udp://10.0.0.1:6969',
      SITESWARM_FRA_PORT_6969_TCP_PROTO: 'tcp',
    }
    expect(readEnvironment(environment, tree)).toEqual({ values: [], problems: [] })
  })

  it('reports a mistyped port variable', () => {
    const { problems } = readEnvironment({ SITESWARM_PORT: '6969' }, tree)
    expect(problems.map(({ file, message }) => `${file}: ${message}`)).toEqual([
      'SITESWARM_PORT: no configuration key has this name',
    ])
  })

  it('ignores the variables of other programs', () => {
    expect(readEnvironment({ SITESWARMS: 'x', siteswarm_site: 'x', PATH: '/bin' }, tree).problems).toEqual([])
  })
})
