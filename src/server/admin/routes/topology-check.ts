/** Dry run of a changed topology file: its problems, or its changes in words. Nothing changes. */
import * as z from 'zod'
import { type TopologyCheck, topologyCheckSchema } from '../answers/topology.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { withRule } from '../parameters.ts'

/** A file of 65,000 prefixes. */
const FILE_BYTES_MAX = 4 * 1024 * 1024

/** The correct types, and those that curl and scripts send by default. */
const CONTENT_TYPES = [
  'application/yaml',
  'text/yaml',
  'text/plain',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
]

export function addTopologyCheckRoute(
  routes: ApiRoutes,
  check: (text: string) => Promise<TopologyCheck>,
): void {
  void routes.register(async (scope) => {
    const withBody: ApiRoutes = scope
    withBody.removeAllContentTypeParsers()
    withBody.addContentTypeParser(CONTENT_TYPES, { parseAs: 'string' }, (_request, body, done) =>
      done(null, body),
    )
    withBody.addContentTypeParser('*', (_request, _payload, done) =>
      done(new ApiError(415, 'type-unsupported', 'send the topology file as application/yaml')),
    )
    withBody.post(
      '/api/v1/topology/check',
      {
        bodyLimit: FILE_BYTES_MAX,
        schema: {
          summary: 'Checks the topology file in the body, and states what it would change; changes nothing',
          consumes: ['application/yaml'],
          body: withRule(z.string().min(1), {
            code: 'topology-missing',
            expected: 'the text of a topology file',
          }),
          response: { 200: topologyCheckSchema },
        },
      },
      async (request) => check(request.body),
    )
  })
}
