/**
 * Checks answers of the admin listener against its own OpenAPI document: the status, the type, and the body. An answer
 * that the document does not describe fails the test that asked for it.
 */
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { assert } from '../src/core/assert.ts'

type Json = Readonly<Record<string, unknown>>

interface Answer {
  readonly method: string
  /** With the query. */
  readonly path: string
  readonly status: number
  readonly contentType: string
  readonly text: string
}

export class ApiDocument {
  readonly #document: Json
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true })
  readonly #validators = new Map<object, ValidateFunction>()

  constructor(document: Json) {
    this.#document = document
    formats.default(this.#ajv)
  }

  static async of(url: string): Promise<ApiDocument> {
    const response = await fetch(`${url}/openapi.json`)
    assert(response.status === 200, `${url}/openapi.json answers ${response.status}`)
    return new ApiDocument((await response.json()) as Json)
  }

  /** Each operation as `GET /api/v1/node`. */
  get operations(): readonly string[] {
    return Object.entries(this.#document['paths'] as Json).flatMap(([path, operations]) =>
      Object.keys(operations as Json).map((method) => `${method.toUpperCase()} ${path}`),
    )
  }

  check({ method, path, status, contentType, text }: Answer): void {
    const operation = this.#operation(method, path.replace(/\?.*$/, ''))
    // A path that does not exist is not in the document; its answer is a problem like any other.
    const responses = operation === undefined ? {} : (operation['responses'] as Json)
    const found = responses[status] ?? responses[`${String(status)[0]}XX`] ?? this.#problem(status)
    const type = contentType.replace(/;.*$/, '')
    const content = (this.#resolve(found as Json)['content'] ?? {}) as Json
    assert(
      type in content,
      `${method} ${path} answers ${status} with ${type}, which the document does not state`,
    )
    if (!type.endsWith('json')) return
    const schema = (content[type] as { readonly schema: Json }).schema
    const validate = this.#validator(this.#resolve(schema))
    validate(JSON.parse(text))
    const problems = this.#ajv.errorsText(validate.errors)
    assert(
      validate.errors === null,
      `${method} ${path} answers ${status}: ${problems} in ${text.slice(0, 500)}`,
    )
  }

  #operation(method: string, path: string): Json | undefined {
    for (const [template, operations] of Object.entries(this.#document['paths'] as Json)) {
      const pattern = new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`)
      const key = method === 'HEAD' ? 'get' : method.toLowerCase()
      if (pattern.test(path)) return (operations as Json)[key] as Json | undefined
    }
    return undefined
  }

  #problem(status: number): Json {
    assert(status >= 400, `the document does not state an answer with status ${status}`)
    return { $ref: '#/components/responses/Problem' }
  }

  #resolve(value: Json): Json {
    const reference = value['$ref']
    if (typeof reference !== 'string') return value
    return reference
      .split('/')
      .slice(1)
      .reduce((json, key) => json[key] as Json, this.#document)
  }

  #validator(schema: Json): ValidateFunction {
    const validator = this.#validators.get(schema) ?? this.#ajv.compile(schema)
    this.#validators.set(schema, validator)
    return validator
  }
}

/** `fetch`, with the answer checked. */
export async function fetchChecked(
  document: ApiDocument,
  url: string,
  init: RequestInit = {},
): Promise<Response> {
  const response = await fetch(url, init)
  const { pathname, search } = new URL(url)
  const method = init.method ?? 'GET'
  if (method === 'HEAD') return response
  document.check({
    method,
    path: `${pathname}${search}`,
    status: response.status,
    contentType: response.headers.get('content-type') ?? '',
    text: await response.clone().text(),
  })
  return response
}
