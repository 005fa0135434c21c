/** A limited route on each framework, next to the limiter that most people take there. */
import peerOnFastify from '@fastify/rate-limit'
import { rateLimit as oursOnExpress } from '@holdfast/http/express'
import { rateLimit as oursOnFastify } from '@holdfast/http/fastify'
import { rateLimit as oursOnHono } from '@holdfast/http/hono'
import { rateLimit as peerOnExpress } from 'express-rate-limit'
import { rateLimiter as peerOnHono } from 'hono-rate-limiter'
import { UNLIMITED } from '../../suites/service.ts'
import { onExpress, onFastify, onHono } from './applications.ts'
import type { Listener } from './nowhere.ts'

/** How many clients there are where there are many. */
export const MANY = 1_000_000

const HOUR_MS = 3_600_000

/** An application behind a limiter that is never reached, and behind one that has let one request in and lets no other. */
export interface Subject {
  readonly name: string
  readonly package: string
  limited(allowed: number): Listener | Promise<Listener>
}

const ours = (allowed: number) => ({
  perClient:
    allowed === 1 ? { tokensPerSecond: 0.001, burstSize: 1 } : { tokensPerSecond: UNLIMITED, burstSize: UNLIMITED },
  apiKeys: () => true,
  maxClients: MANY + 1_000,
})

const FASTIFY: readonly Subject[] = [
  {
    name: 'holdfast',
    package: '@holdfast/http',
    limited: (allowed) => onFastify((app) => app.register(oursOnFastify, ours(allowed))),
  },
  {
    name: '@fastify/rate-limit',
    package: '@fastify/rate-limit',
    limited: (max) =>
      onFastify((app) =>
        app.register(peerOnFastify, {
          max,
          timeWindow: HOUR_MS,
          cache: MANY + 1_000,
          keyGenerator: ({ headers }) => String(headers['x-api-key']),
        }),
      ),
  },
]

const EXPRESS: readonly Subject[] = [
  { name: 'holdfast', package: '@holdfast/http', limited: (allowed) => onExpress(oursOnExpress(ours(allowed))) },
  {
    name: 'express-rate-limit',
    package: 'express-rate-limit',
    limited: (limit) =>
      onExpress(
        peerOnExpress({
          limit,
          windowMs: HOUR_MS,
          standardHeaders: 'draft-8',
          legacyHeaders: false,
          keyGenerator: ({ headers }) => String(headers['x-api-key']),
        }),
      ),
  },
]

const HONO: readonly Subject[] = [
  { name: 'holdfast', package: '@holdfast/http', limited: (allowed) => onHono(oursOnHono(ours(allowed))) },
  {
    name: 'hono-rate-limiter',
    package: 'hono-rate-limiter',
    limited: (limit) =>
      onHono(peerOnHono({ limit, windowMs: HOUR_MS, keyGenerator: ({ req }) => req.header('x-api-key') ?? '' })),
  },
]

/** A framework bare, and behind each limiter. */
export interface Framework {
  readonly name: string
  bare(): Listener | Promise<Listener>
  readonly subjects: readonly Subject[]
}

export const FRAMEWORKS: readonly Framework[] = [
  { name: 'fastify', bare: onFastify, subjects: FASTIFY },
  { name: 'express', bare: onExpress, subjects: EXPRESS },
  { name: 'hono', bare: onHono, subjects: HONO },
]
