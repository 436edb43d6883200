/**
 * Every command, in the order in which `--help` lists them. A command is loaded when a command line names it: all of
 * them together import most of the program, which takes longer than most commands run.
 */
import type { Command } from './command.ts'

export interface ListedCommand {
  readonly name: string
  /** As commander writes them, such as `<torrent>` or `<ip...>`; empty for none. */
  readonly arguments: string
  readonly summary: string
  load(): Promise<Command>
}

export const commands: readonly ListedCommand[] = [
  {
    name: 'serve',
    arguments: '',
    summary: 'Run a node. Without --config: the quick start, one node with the sample topology.',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  {
    name: 'init',
    arguments: '[directory]',
    summary: 'Write a first configuration and topology, with tokens in files of their own.',
    load: async () => (await import('./commands/init.ts')).initCommand,
  },
  {
    name: 'check',
    arguments: '',
    summary: 'Read configuration and topology, and print every problem with its position.',
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  {
    name: 'doctor',
    arguments: '',
    summary: 'Check a running node with its trackers, remote sites and torrents, and state what to repair.',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
  {
    name: 'topology',
    arguments: '<action> <old> <new>',
    summary: 'Show what a new topology file changes: which addresses move where, and which settings differ.',
    load: async () => (await import('./commands/topology.ts')).topologyCommand,
  },
  {
    name: 'locate',
    arguments: '<ip...>',
    summary: 'Show the site and bubble of addresses, and the prefix that decides.',
    load: async () => (await import('./commands/locate.ts')).locateCommand,
  },
  {
    name: 'explain',
    arguments: '<infohash> <ip[:port]>',
    summary: 'Show the handout that this client would get now, each peer with its reason.',
    load: async () => (await import('./commands/explain.ts')).explainCommand,
  },
  {
    name: 'inspect',
    arguments: '<torrent|magnet>',
    summary: 'Show the infohash, trackers, files, pieces and warnings of a torrent or magnet.',
    load: async () => (await import('./commands/inspect.ts')).inspectCommand,
  },
  {
    name: 'rewrite',
    arguments: '<torrent|magnet>',
    summary: 'Give a torrent or magnet the trackers of a site or bubble; its infohash stays the same.',
    load: async () => (await import('./commands/rewrite.ts')).rewriteCommand,
  },
  {
    name: 'publish',
    arguments: '<source>',
    summary: 'Make a torrent from a file, a folder, an HTTP URL or S3 objects, and register it on a node.',
    load: async () => (await import('./commands/publish.ts')).publishCommand,
  },
  {
    name: 'torrents',
    arguments: '[show|remove] [infohash]',
    summary: 'List the registered torrents of a site, show the URLs of one, or remove one.',
    load: async () => (await import('./commands/torrents.ts')).torrentsCommand,
  },
  {
    name: 'plan',
    arguments: '<infohash>',
    summary: 'Show what a rollout will send over which links, before it starts. For the network team.',
    load: async () => (await import('./commands/plan.ts')).planCommand,
  },
  {
    name: 'status',
    arguments: '[infohash]',
    summary: 'Show the progress of all rollouts, or of one: sites, rate, time left, late hosts.',
    load: async () => (await import('./commands/status.ts')).statusCommand,
  },
  {
    name: 'wait',
    arguments: '<infohash>',
    summary: 'Wait until a rollout is complete; exit code 1 at the timeout. For pipelines.',
    load: async () => (await import('./commands/wait.ts')).waitCommand,
  },
  {
    name: 'announce',
    arguments: '<url>',
    summary:
      'Announce to any HTTP or UDP tracker as a client does; show its response and the clients that have problems with it.',
    load: async () => (await import('./commands/announce.ts')).announceCommand,
  },
  {
    name: 'scrape',
    arguments: '<url>',
    summary:
      'Request the peer counts of some torrents from any HTTP or UDP tracker. Accepts the announce URL or the scrape URL.',
    load: async () => (await import('./commands/scrape.ts')).scrapeCommand,
  },
  {
    name: 'simulate',
    arguments: '',
    summary: 'Simulate a rollout on this topology: copies into each site, and time.',
    load: async () => (await import('./commands/simulate.ts')).simulateCommand,
  },
  {
    name: 'drain',
    arguments: '',
    summary: 'Make a node not ready before it stops, so that its clients use other nodes.',
    load: async () => (await import('./commands/drain.ts')).drainCommand,
  },
  {
    name: 'completion',
    arguments: '<shell>',
    summary: 'Print the completion script of a shell: bash, zsh or fish.',
    load: async () => (await import('./commands/completion.ts')).completionCommand(commands),
  },
]
