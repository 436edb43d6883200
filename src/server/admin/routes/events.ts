/** `GET /api/v1/events`: the state and its changes as server-sent events. */
import { Readable } from 'node:stream'
import * as z from 'zod'
import type { AdminContext } from '../admin-context.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { EVENT_KINDS } from '../answers/events.ts'
import { EventFeed } from '../events/event-feed.ts'
import { eventSources } from '../events/event-sources.ts'
import { eventStream } from '../events/event-stream.ts'
import { oneOf, withRule } from '../parameters.ts'

/** Each is an open connection. A dashboard has one, and its operator has a few. */
const STREAMS_MAX = 64

export function addEventsRoute(routes: ApiRoutes, context: AdminContext): void {
  const feed = new EventFeed({ sources: eventSources(context), clock: context.clock, log: context.log })
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
      if (feed.streams >= STREAMS_MAX)
        throw new ApiError(503, 'too-many-streams', `${STREAMS_MAX} event streams are open; close some`, 10)
      const closed = new AbortController()
      reply.raw.once('close', () => closed.abort())
      const lastEventId = request.headers['last-event-id']
      const stream = eventStream(feed, {
        kinds: request.query.kind,
        lastEventId: typeof lastEventId === 'string' ? lastEventId : undefined,
        signal: closed.signal,
      })
      // A proxy would otherwise collect events before it passes them on.
      reply.type('text/event-stream').header('cache-control', 'no-store').header('x-accel-buffering', 'no')
      return reply.send(Readable.from(stream))
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
