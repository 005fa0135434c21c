/** The servers that are measured: each framework bare, with our limit, and with a peer's; admitting everything, or refusing. */
import { createServer, type Server } from 'node:http'
import fastifyPeer from '@fastify/rate-limit'
import { rateLimit as limitExpress } from '@holdfast/http/express'
import { rateLimit as limitFastify } from '@holdfast/http/fastify'
import { rateLimit as limitHono } from '@holdfast/http/hono'
import { getRequestListener } from '@hono/node-server'
import express, { type RequestHandler } from 'express'
import { rateLimit as expressPeer } from 'express-rate-limit'
import { type FastifyInstance, fastify } from 'fastify'
import { Hono, type MiddlewareHandler } from 'hono'
import { rateLimiter as honoPeer } from 'hono-rate-limiter'

const PLENTY = 1_000_000_000
const HOUR_MS = 3_600_000

const admitting = { perClient: { tokensPerSecond: PLENTY, burstSize: PLENTY } }
const refusing = { perClient: { tokensPerSecond: 0.001, burstSize: 1 } }

/** One server, and what it is called in the table. */
export interface Measured {
  readonly name: string
  /** The package that limits; undefined for the bare framework. */
  readonly package?: string
  readonly status: 200 | 429
  readonly make: () => Promise<Server>
}

export const SERVERS: Readonly<Record<'fastify' | 'express' | 'hono', readonly Measured[]>> = {
  fastify: [
    { name: 'fastify', status: 200, make: () => withFastify(async () => {}) },
    {
      name: 'fastify, holdfast',
      package: '@holdfast/http',
      status: 200,
      make: () => withFastify((app) => app.register(limitFastify, admitting)),
    },
    {
      name: 'fastify, @fastify/rate-limit',
      package: '@fastify/rate-limit',
      status: 200,
      make: () => withFastify((app) => app.register(fastifyPeer, { max: PLENTY, timeWindow: HOUR_MS })),
    },
    {
      name: 'fastify, holdfast, refused',
      package: '@holdfast/http',
      status: 429,
      make: () => withFastify((app) => app.register(limitFastify, refusing)),
    },
    {
      name: 'fastify, @fastify/rate-limit, refused',
      package: '@fastify/rate-limit',
      status: 429,
      make: () => withFastify((app) => app.register(fastifyPeer, { max: 1, timeWindow: HOUR_MS })),
    },
  ],
  express: [
    { name: 'express', status: 200, make: () => withExpress() },
    {
      name: 'express, holdfast',
      package: '@holdfast/http',
      status: 200,
      make: () => withExpress(limitExpress(admitting)),
    },
    {
      name: 'express, express-rate-limit',
      package: 'express-rate-limit',
      status: 200,
      make: () =>
        withExpress(
          expressPeer({ windowMs: HOUR_MS, limit: PLENTY, standardHeaders: 'draft-8', legacyHeaders: false }),
        ),
    },
  ],
  hono: [
    { name: 'hono', status: 200, make: () => withHono() },
    { name: 'hono, holdfast', package: '@holdfast/http', status: 200, make: () => withHono(limitHono(admitting)) },
    {
      name: 'hono, hono-rate-limiter',
      package: 'hono-rate-limiter',
      status: 200,
      make: () => withHono(honoPeer({ windowMs: HOUR_MS, limit: PLENTY, keyGenerator: () => 'one' })),
    },
  ],
}

async function withFastify(limit: (app: FastifyInstance) => PromiseLike<unknown>): Promise<Server> {
  const app = fastify()
  await limit(app)
  app.get('/', () => 'hello')
  await app.ready()
  return app.server
}

async function withExpress(limit?: RequestHandler): Promise<Server> {
  const app = express()
  if (limit !== undefined) app.use(limit)
  app.get('/', (_request, response) => void response.end('hello'))
  return createServer(app)
}

async function withHono(limit?: MiddlewareHandler): Promise<Server> {
  const app = new Hono()
  if (limit !== undefined) app.use(limit)
  app.get('/', (context) => context.text('hello'))
  return createServer(getRequestListener(app.fetch))
}
