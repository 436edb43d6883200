/** Methods of each path, for the answer to a request with a method that the path does not have (RFC 9110, 15.5.6). */
import type { RouteOptions } from 'fastify'

interface Methods {
  readonly segments: readonly string[]
  readonly methods: readonly string[]
}

export class RouteMethods {
  readonly #routes: Methods[] = []

  add({ url, method }: Pick<RouteOptions, 'url' | 'method'>): void {
    this.#routes.push({ segments: url.split('/'), methods: typeof method === 'string' ? [method] : method })
  }

  /** `target`: with or without a query. Empty if there is no such path. */
  at(target: string): readonly string[] {
    const segments = target.replace(/\?.*$/s, '').split('/')
    const found = this.#routes.filter((route) => isAt(route, segments)).flatMap(({ methods }) => methods)
    return [...new Set(found)].toSorted()
  }
}

function isAt(route: Methods, segments: readonly string[]): boolean {
  return (
    route.segments.length === segments.length &&
    route.segments.every((segment, index) => segment.startsWith(':') || segment === segments[index])
  )
}
