/** `GET /api/v1/events`: the state and its changes as server-sent events. */
import { Readable } from 'node:stream'
import * as z from 'zod'
import { sourceOfAddress } from '../../../core/source.ts'
import { callerAddress } from '../access.ts'
import type { AdminContext } from '../admin-context.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { EVENT_KINDS } from '../answers/events.ts'
import { EventFeed } from '../events/event-feed.ts'
import { eventSources } from '../events/event-sources.ts'
import { eventStream } from '../events/event-stream.ts'
import { StreamPlaces } from '../events/stream-places.ts'
import { oneOf, withRule } from '../parameters.ts'

export function addEventsRoute(routes: ApiRoutes, context: AdminContext): void {
  const feed = new EventFeed({ sources: eventSources(context), clock: context.clock, log: context.log })
  const places = new StreamPlaces()
  routes.addHook('onClose', async () => feed.stop())
  routes.get(
    '/api/v1/events',
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'The state and its changes, as server-sent events',
        description:
          'After `reset`, one event for each entry; after `live`, one for each change. Data: {"key", "value"}, with the value null for an entry that is gone. A client that reconnects with Last-Event-ID gets the changes that it missed.',
        querystring: z.strictObject({
          kind: kindsParameter().describe('Kinds of events; may be repeated. All without it.'),
        }),
        response: {
          200: {
            description: 'A stream.',
            content: { 'text/event-stream': { schema: z.unknown().meta({ type: 'string' }) } },
          },
        },
      },
    },
    async (request, reply) => {
      const { socket } = request
      const from = callerAddress(request, context.isTrusted)
      places.take(socket, from === undefined ? '' : sourceOfAddress(from))
      const closed = new AbortController()
      const lastEventId = request.headers['last-event-id']
      const stream = Readable.from(
        eventStream(feed, {
          kinds: request.query.kind,
          lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
          signal: closed.signal,
        }),
      )
      // Of the connection: a response that waits for another one on it has no event of its own.
      socket.once('close', () => {
        closed.abort()
        stream.destroy()
      })
      // A proxy would otherwise collect events before it passes them on.
      reply.type('text/event-stream').header('cache-control', 'no-store').header('x-accel-buffering', 'no')
      return reply.send(stream)
    },
  )
}

/** One value of a repeated parameter is a text, several are a list. */
function kindsParameter() {
  return withRule(
    z.preprocess(
      (given) => (typeof given === 'string' ? [given] : (given ?? EVENT_KINDS)),
      z.array(oneOf('kind', EVENT_KINDS)).min(1).max(EVENT_KINDS.length),
    ),
    { code: 'kind-unknown', expected: EVENT_KINDS.join(', ') },
  )
}
