/** The OpenAPI document of the gateway, made of what there is to say of its routes. */
import { DEADLINE_HEADER, PROBLEM_JSON } from '@holdfast/http'
import { z } from 'zod'
import type { RouteDocs } from './route-docs.ts'
import { ROUTE_DOCS } from './routes.ts'
import { problemShape } from './shapes.ts'

/** A part of the document. */
export type Part = Readonly<Record<string, unknown>>

const RETRY_AFTER = {
  'Retry-After': {
    description: 'when to come back, in seconds',
    required: true,
    schema: { type: 'integer', minimum: 1 },
  },
}

const LIMITS = {
  RateLimit: { description: 'what is left: r requests, and in t seconds there is more', schema: { type: 'string' } },
  'RateLimit-Policy': { description: 'the limits: q requests in w seconds', schema: { type: 'string' } },
}

/** What every route may answer besides. */
const EVERYWHERE = {
  400: failure('The request makes no sense; `detail` says which field and why.', LIMITS),
  429: failure(
    'Too many requests: by your own limit (`urn:holdfast:too-many-requests`), by the limit towards the service (`service-limit`), or by the service itself (`service-throttles`). Who comes back after `Retry-After` is let in.',
    { ...RETRY_AFTER, ...LIMITS },
  ),
  503: failure(
    'Not now: the gateway has more to do than it can (`urn:holdfast:overloaded`) or stops (`stopping`); the circuit of the service is open (`circuit-open`), or the service is busy (`service-busy`); there is no room for another stream (`too-many-streams`).',
    RETRY_AFTER,
  ),
}

/** What those may answer that ask an upstream. */
const OF_UPSTREAMS = {
  502: failure('The service failed, or answered nonsense.', LIMITS),
  504: failure(
    'The service did not answer in time. An order is then in doubt (`order-in-doubt`) and being looked up.',
    LIMITS,
  ),
}

const OF_FOREIGN_PAGES = {
  403: failure(
    'A page in a browser asks that was not loaded from the gateway, by its address or as localhost.',
    LIMITS,
  ),
}

const SIGNED_IN = { 401: failure('Nobody is signed in.', LIMITS), 403: failure('Who is signed in may not.', LIMITS) }

/** @param added the routes that there are, as `METHOD /path` */
export function openapiDocument(added: Iterable<string>): Part {
  const paths: Record<string, Record<string, Part>> = {}
  for (const route of added) {
    const docs = ROUTE_DOCS[route]
    const [method = '', url = ''] = route.split(' ')
    if (docs === undefined) continue
    const path = url.replace(/:(\w+)/g, '{$1}')
    paths[path] = { ...paths[path], [method.toLowerCase()]: operationOf(docs, path) }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Holdfast gateway',
      version: '0.1.0',
      description: 'A trading API: every route rate limited, every upstream guarded. Failures are problems (RFC 9457).',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Problem: jsonSchemaOf(problemShape, 'output') },
      securitySchemes: {
        apiKey: {
          type: 'apiKey',
          in: 'header',
          name: 'X-API-Key',
          description: 'Whose limit a request counts against.',
        },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'holdfast_session',
          description: 'The console’s, after signing in.',
        },
        token: { type: 'http', scheme: 'bearer', description: 'A token of the control API.' },
      },
    },
  }
}

function operationOf(docs: RouteDocs, path: string): Part {
  const { tag, summary, query, body, answers, role, asksUpstream = false, refusesForeignPages = false } = docs
  const parameters = [
    ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
      name,
      in: 'path',
      required: true,
      schema: { type: 'string' },
    })),
    ...queryParameters(query),
    ...(asksUpstream ? [DEADLINE] : []),
  ]
  return {
    tags: [tag],
    summary,
    ...(role !== undefined && { description: `For those who are signed in as ${role} or more.` }),
    security: role === undefined ? [{}, { apiKey: [] }] : [{ session: [] }, { token: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body !== undefined && {
      requestBody: { required: true, content: { 'application/json': { schema: jsonSchemaOf(body, 'input') } } },
    }),
    responses: {
      ...Object.fromEntries(Object.entries(answers).map(([status, answer]) => [status, answerOf(answer)])),
      ...EVERYWHERE,
      ...(asksUpstream ? OF_UPSTREAMS : {}),
      ...(refusesForeignPages ? OF_FOREIGN_PAGES : {}),
      ...(role === undefined ? {} : SIGNED_IN),
    },
  }
}

const DEADLINE = {
  name: DEADLINE_HEADER,
  in: 'header',
  description: 'For how many milliseconds the client waits: nothing is begun that could not be done by then.',
  schema: { type: 'integer', minimum: 1 },
}

function answerOf({ says, body }: RouteDocs['answers'][number]): Part {
  const content =
    body === undefined ? {} : { content: { 'application/json': { schema: jsonSchemaOf(body, 'output') } } }
  return { description: says, headers: LIMITS, ...content }
}

function failure(description: string, headers: Part): Part {
  return { description, headers, content: { [PROBLEM_JSON]: { schema: { $ref: '#/components/schemas/Problem' } } } }
}

function queryParameters(query: z.ZodObject | undefined): Part[] {
  if (query === undefined) return []
  return Object.entries(query.shape).map(([name, shape]) => ({
    name,
    in: 'query',
    required: !shape.safeParse(undefined).success,
    schema: jsonSchemaOf(shape, 'input'),
  }))
}

function jsonSchemaOf(shape: z.core.$ZodType, io: 'input' | 'output'): Part {
  const { $schema: _, ...schema } = z.toJSONSchema(shape, { io, unrepresentable: 'any' })
  return schema
}
