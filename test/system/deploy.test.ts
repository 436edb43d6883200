/**
 * The files of deploy/, tested as far as one machine allows: Prometheus and systemd parse their files, the command line of
 * the image runs with the files of the image, and the configurations of the composed nodes are valid.
 */
import { spawn, spawnSync } from 'node:child_process'
import { cp, readFile, readdir, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { METRIC_PREFIX, metricsTable } from '../../src/observe/metrics-table.ts'
import { runCommand } from '../a-command-run.ts'
import { aDirectory, freePort } from '../a-node.ts'
import { needs } from '../setup/needs.ts'

const text = (path: string) => readFile(path, 'utf8')

/** Runs a program, expects exit code 0, and returns its standard output and error. */
function expectRun(program: string, args: readonly string[], cwd = '.'): string {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd, encoding: 'utf8' })
  expect({ program, status, output: status === 0 ? '' : stdout + stderr }).toEqual({
    program,
    status: 0,
    output: '',
  })
  return stdout + stderr
}

interface AlertRule {
  readonly alert: string
  readonly expr: string
  readonly annotations: { readonly runbook_url: string; readonly description: string }
}

interface RecordingRule {
  readonly record: string
  readonly expr: string
}

async function alertRules(): Promise<readonly AlertRule[]> {
  const { groups } = parse(await text('deploy/prometheus/alerts.yaml')) as {
    groups: readonly { readonly rules: readonly AlertRule[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}

async function recordingRules(): Promise<readonly RecordingRule[]> {
  const { groups } = parse(await text('deploy/prometheus/recording.yaml')) as {
    groups: readonly { readonly rules: readonly RecordingRule[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}

interface Dashboard {
  readonly panels: readonly {
    readonly type: string
    readonly title: string
    readonly datasource: { readonly uid: string }
    readonly targets: readonly { readonly expr: string }[]
  }[]
  readonly templating: { readonly list: readonly { readonly name: string }[] }
}

/** Without the headings of rows. */
async function dashboard(): Promise<Dashboard> {
  const all = JSON.parse(await text('deploy/grafana/dashboards/siteswarm.json')) as Dashboard
  return { ...all, panels: all.panels.filter(({ type }) => type !== 'row') }
}

describe('deploy/prometheus', () => {
  test.skipIf(needs('promtool'))('promtool accepts the configuration, targets and rules', () => {
    expectRun('promtool', ['check', 'config', 'prometheus.yml'], 'deploy/prometheus')
    expectRun('promtool', ['check', 'rules', 'recording.yaml', 'alerts.yaml'], 'deploy/prometheus')
  })

  test.skipIf(needs('promtool'))('each alert fires in its case and is silent in the adjacent one', () => {
    expect(expectRun('promtool', ['test', 'rules', 'alerts.test.yaml'], 'deploy/prometheus')).toContain(
      'SUCCESS',
    )
  })

  test('each alert has its own test and a runbook', async () => {
    const tests = await text('deploy/prometheus/alerts.test.yaml')
    const names = (await alertRules()).map(({ alert }) => alert)
    // Expected alerts follow on the next lines; an empty list is on the same line.
    const isTested = (name: string) => new RegExp(`alertname: ${name}\n\\s+exp_alerts:\n`).test(tests)
    expect(names.filter((name) => !isTested(name))).toEqual([])
    for (const { alert, annotations } of await alertRules()) {
      expect(annotations.runbook_url).toBe(`https://siteswarm.example/docs/runbooks/${alert}.md`)
      expect(annotations.description).toMatch(/\.$/)
      expect(await text(`docs/runbooks/${alert}.md`)).toMatch(
        new RegExp(`^# ${alert}\n[^]*Effect on clients[^]*\\*\\*Do`),
      )
    }
    const pages = (await readdir('docs/runbooks')).filter((name) => name !== 'README.md')
    expect(pages.toSorted()).toEqual(names.map((name) => `${name}.md`).toSorted())
  })

  test('alerts and panels use only existing metrics and labels', async () => {
    const known = new Map(metricsTable.map(({ name, labels }) => [METRIC_PREFIX + name, labels]))
    const panels = (await dashboard()).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
    const rules = [...(await alertRules()), ...(await recordingRules())]
    const expressions = [...rules.map(({ expr }) => expr), ...panels]
    const records = new Set((await recordingRules()).map(({ record }) => record))
    const recorded = /\w+:siteswarm_\w+:\w+/g
    for (const record of expressions.flatMap((expr) => expr.match(recorded) ?? []))
      expect(records).toContain(record)
    const raw = expressions.map((expr) => expr.replaceAll(recorded, ''))
    const unknown = raw.flatMap((expr) =>
      [...expr.matchAll(/(siteswarm_\w+)(?:\{([^}]*)\})?/g)].flatMap(([, name = '', matchers = '']) => {
        const labels = known.get(name.replace(/_(?:bucket|sum|count)$/, ''))
        if (labels === undefined) return [name]
        const used = [...matchers.matchAll(/(\w+)\s*[=!]~?"/g)].map(([, label = '']) => label)
        return used.filter((label) => !labels.includes(label)).map((label) => `${name}{${label}}`)
      }),
    )
    expect(unknown).toEqual([])
  })
})

describe('deploy/grafana', () => {
  test.skipIf(needs('promtool'))('Prometheus accepts the expression of every panel', async () => {
    const directory = await aDirectory()
    const expressions = (await dashboard()).panels.flatMap(({ title, targets }) =>
      targets.map(({ expr }, index) => ({
        record: `panel:${title.replaceAll(/\W/g, '_')}:${index}`,
        expr: expr.replaceAll('$site', '.*'),
      })),
    )
    expect(expressions.length).toBeGreaterThan(15)
    const rules = join(directory, 'panels.yaml')
    await writeFile(rules, JSON.stringify({ groups: [{ name: 'panels', rules: expressions }] }))
    expectRun('promtool', ['check', 'rules', rules])
  })

  test('the provisioning paths match the mounts of the composed containers', async () => {
    const { services } = await compose()
    const mounts = services['grafana']?.volumes ?? []
    const provider = parse(await text('deploy/grafana/provisioning/dashboards/siteswarm.yaml')) as {
      providers: [{ options: { path: string } }]
    }
    expect(mounts).toContain(`./deploy/grafana/dashboards:${provider.providers[0].options.path}:ro`)
    expect(mounts).toContain('./deploy/grafana/provisioning:/etc/grafana/provisioning:ro')
    const source = parse(await text('deploy/grafana/provisioning/datasources/prometheus.yaml')) as {
      datasources: [{ url: string; type: string }]
    }
    expect(new URL(source.datasources[0].url).hostname).toBe('prometheus')
    expect((await dashboard()).panels.every(({ datasource }) => datasource.uid === '${datasource}')).toBe(
      true,
    )
  })
})

describe('deploy/systemd', () => {
  test.skipIf(needs('systemd-analyze'))('systemd-analyze accepts the unit', () => {
    expect(expectRun('systemd-analyze', ['verify', '--man=no', 'deploy/systemd/siteswarm.service'])).toBe('')
  })

  test.skipIf(needs('systemd-analyze'))('the unit is sandboxed', () => {
    expectRun('systemd-analyze', [
      'security',
      '--no-pager',
      '--offline=true',
      '--threshold=15',
      'deploy/systemd/siteswarm.service',
    ])
  })

  test('the stop timeout is longer than a drain, and a configuration error does not cause a restart', async () => {
    const unit = await text('deploy/systemd/siteswarm.service')
    const stopSeconds = Number(/^TimeoutStopSec=(\d+)s$/m.exec(unit)?.[1])
    expect(stopSeconds).toBeGreaterThan(10)
    expect(unit).toMatch(/^RestartPreventExitStatus=.*\b78\b/m)
    expect(unit).toMatch(/^ExecReload=\/bin\/kill -HUP \$MAINPID$/m)
  })

  test('the variables of the example are configuration keys', async () => {
    const lines = (await text('deploy/systemd/siteswarm.env')).matchAll(/^#?(SITESWARM_\w+)=(.*)$/gm)
    const environment = Object.fromEntries([...lines].map(([, name, value]) => [name ?? '', value]))
    expect(Object.keys(environment)).toContain('SITESWARM_STORE')
    const { exitCode, out } = await runCommand(['check'], { environment })
    expect({ exitCode, out }).toMatchObject({ exitCode: 0 })
  })
})

interface Service {
  readonly image: string
  readonly build?: string
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly string[]
  readonly networks: readonly string[]
  readonly ports?: readonly string[]
  readonly depends_on?: Readonly<Record<string, unknown>> | readonly string[]
  readonly read_only?: boolean
  readonly stop_grace_period?: string
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly networks: Readonly<
    Record<string, { readonly ipam?: { readonly config: [{ readonly subnet: string }] } }>
  >
  readonly volumes: Readonly<Record<string, unknown>>
}

const compose = async () => parse(await text('docker-compose.yml'), { merge: true }) as Compose

const nodesOf = ({ services }: Compose) =>
  Object.entries(services).filter(([, service]) => service.image === 'siteswarm')

describe('docker-compose.yml', () => {
  test('has two sites of two nodes and a Redis each, a fallback node, Prometheus and Grafana', async () => {
    expect(Object.keys((await compose()).services)).toEqual([
      'fra-redis',
      'fra-1',
      'fra-2',
      'ams-redis',
      'ams-1',
      'ams-2',
      'nyc-1',
      'prometheus',
      'grafana',
    ])
  })

  test('references only existing services, networks, volumes and files', async () => {
    const { services, networks, volumes } = await compose()
    for (const service of Object.values(services)) {
      const wanted = Array.isArray(service.depends_on)
        ? service.depends_on
        : Object.keys(service.depends_on ?? {})
      expect(Object.keys(services)).toEqual(expect.arrayContaining([...(wanted as string[])]))
      expect(Object.keys(networks)).toEqual(expect.arrayContaining([...service.networks]))
      const sources = (service.volumes ?? []).map((mount) => mount.split(':')[0] ?? '')
      expect(sources.filter((source) => !existsSync(source) && !(source in volumes))).toEqual([])
      for (const variable of Object.keys(service.environment ?? {}))
        expect(variable).toMatch(/^(?:SITESWARM|GF)_/)
    }
  })

  test('publishes each port once, on this machine only', async () => {
    const ports = Object.values((await compose()).services).flatMap((service) => service.ports ?? [])
    expect(new Set(ports).size).toBe(ports.length)
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+\/(?:tcp|udp)$/)
  })

  test('gives each node a valid configuration', async () => {
    const nodes = nodesOf(await compose())
    expect(nodes).toHaveLength(5)
    for (const [, { environment = {}, volumes = [] }] of nodes) {
      expect(volumes).toContain('./deploy/compose:/etc/siteswarm:ro')
      const { exitCode, out } = await runCommand(['check', '--config', 'deploy/compose/siteswarm.yaml'], {
        environment: {
          ...environment,
          SITESWARM_ADMIN_TOKEN: 'as-chosen-by-the-operator',
          SITESWARM_FEDERATION_TOKEN: 'chosen-between-the-sites',
        },
      })
      expect({ exitCode, out }).toMatchObject({ exitCode: 0 })
    }
  })

  test('puts each node, its Redis and its clients into the networks of the topology', async () => {
    const composed = await compose()
    const { sites, fallback } = parse(await text('deploy/compose/topology.yaml')) as {
      sites: Record<string, { cidrs: string[]; trackers: string[] }>
      fallback: { trackers: string[] }
    }
    for (const [site, { cidrs, trackers }] of Object.entries(sites)) {
      expect(composed.networks[site]?.ipam?.config[0].subnet).toBe(cidrs[0])
      const nodes = nodesOf(composed).filter(
        ([, { environment }]) => environment?.['SITESWARM_SITE'] === site,
      )
      expect(trackers).toEqual(nodes.map(([name]) => `http://${name}:6969/announce`))
      for (const [, { networks }] of nodes) expect(networks).toContain(site)
      const stores = nodes
        .map(([, { environment }]) => environment?.['SITESWARM_STORE'] ?? '')
        .filter((url) => url !== 'memory')
      for (const url of stores)
        expect(composed.services[new URL(url).hostname]?.networks).toEqual([`${site}-store`])
    }
    const [tracker = ''] = fallback.trackers
    const { networks } = composed.services[new URL(tracker).hostname] as Service
    expect(networks).toEqual(expect.arrayContaining(Object.keys(sites)))
  })

  test('federates the sites: the URLs of all nodes, one token, and a network that joins them', async () => {
    const nodes = nodesOf(await compose())
    const { sites } = parse(await text('deploy/compose/topology.yaml')) as {
      sites: Record<string, { federation: string[] }>
    }
    expect(Object.values(sites).flatMap(({ federation }) => federation)).toEqual(
      nodes.map(([name]) => `http://${name}:6970`),
    )
    for (const [, { environment, networks }] of nodes) {
      expect(environment?.['SITESWARM_FEDERATION_TOKEN']).toMatch(/^\$\{SITESWARM_FEDERATION_TOKEN:\?/)
      expect(networks).toContain('watch')
    }
  })

  test('Prometheus scrapes every node', async () => {
    const groups = parse(await text('deploy/prometheus/targets.yaml')) as {
      labels: { node_site: string }
      targets: string[]
    }[]
    const scraped = groups.flatMap(({ labels, targets }) =>
      targets.map((target) => `${labels.node_site} ${target}`),
    )
    expect(scraped).toEqual(
      nodesOf(await compose()).map(
        ([name, { environment }]) => `${environment?.['SITESWARM_SITE']} ${name}:6970`,
      ),
    )
  })

  test('pins every image that it does not build', async () => {
    const images = Object.values((await compose()).services).flatMap(({ image, build }) =>
      build === undefined ? [image] : [],
    )
    const bases = [...(await text('Dockerfile')).matchAll(/^FROM (\S+)/gm)].map(([, image = '']) => image)
    for (const image of [...images, ...bases]) expect(image).toMatch(/^[a-z/-]+:v?\d+[\w.-]*$/)
  })
})

interface ImageConfig {
  readonly environment: Readonly<Record<string, string>>
  readonly healthCheck: readonly string[]
  readonly entryPoint: readonly string[]
  readonly command: readonly string[]
}

/** The runtime instructions of the last stage of the Dockerfile. */
async function imageConfig(): Promise<ImageConfig> {
  const stage =
    (await text('Dockerfile'))
      .replaceAll('\\\n', ' ')
      .split(/^FROM /m)
      .at(-1) ?? ''
  const list = (pattern: RegExp) => JSON.parse(pattern.exec(stage)?.[1] ?? '[]') as readonly string[]
  const variables = /^ENV (.*)$/m.exec(stage)?.[1]?.trim().split(/\s+/) ?? []
  return {
    environment: Object.fromEntries(variables.map((pair) => pair.split('=') as [string, string])),
    healthCheck: list(/^HEALTHCHECK.*?CMD (\[.*\])$/m),
    entryPoint: list(/^ENTRYPOINT (\[.*\])$/m),
    command: list(/^CMD (\[.*\])$/m),
  }
}

describe('the image', () => {
  test('is built from existing files that .dockerignore does not exclude', async () => {
    const copied = [...(await text('Dockerfile')).matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(
      ([, names = '']) => names.split(' '),
    )
    expect(copied).toContain('src')
    const allowed = (await text('.dockerignore'))
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1))
    expect(new Set(copied)).toEqual(new Set(allowed))
    for (const name of copied) expect({ name, exists: existsSync(name) }).toEqual({ name, exists: true })
  })

  test('does not run as root, and its stop signal drains the node', async () => {
    const stage = (await text('Dockerfile')).split(/^FROM /m).at(-1) ?? ''
    expect(stage).toMatch(/^USER node$/m)
    expect(stage).toMatch(/^STOPSIGNAL SIGTERM$/m)
  })

  test('runs with its own files, is healthy, and ends on its stop signal', async () => {
    const directory = await aDirectory()
    const image = join(directory, 'opt')
    for (const part of ['dist', 'config', 'package.json'])
      await cp(part, join(image, part), { recursive: true })
    const installed = expectRun('npm', ['ls', '--omit=dev', '--all', '--parseable'])
      .split('\n')
      .filter((path) => path.includes('node_modules'))
    for (const path of installed)
      await cp(path, join(image, path.slice(path.indexOf('node_modules'))), {
        recursive: true,
        filter: (source) => source === path || !source.slice(path.length).includes('/node_modules'),
      })
    const { environment, healthCheck, entryPoint, command } = await imageConfig()
    const adminPort = await freePort()
    const inImage = (argument: string) =>
      argument
        .replace('/opt/siteswarm', image)
        .replace('/etc/siteswarm', join(image, 'config'))
        .replace('127.0.0.1:6970', `127.0.0.1:${adminPort}`)
    const [program, ...args] = [...entryPoint, ...command].map(inImage)
    expect(program).toBe('node')
    const child = spawn(process.execPath, args, {
      cwd: directory,
      env: {
        ...environment,
        SITESWARM_DATA_DIRECTORY: join(directory, 'state'),
        SITESWARM_LISTEN_HTTP: '127.0.0.1:0',
        SITESWARM_LISTEN_UDP: '127.0.0.1:0',
        SITESWARM_LISTEN_ADMIN: `127.0.0.1:${adminPort}`,
      },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
    let log = ''
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString()
        if (log.includes('"event":"ready"')) resolve()
      })
      void exited.then((code) => reject(new Error(`ended with ${code}:\n${log}`)))
    })
    const health = () => spawnSync(process.execPath, healthCheck.slice(1).map(inImage)).status
    expect(health()).toBe(0)
    child.kill('SIGTERM')
    expect(await exited).toBe(0)
    expect(health()).toBe(1)
  })
})
