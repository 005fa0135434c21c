import LocalStore from '@fastify/rate-limit/store/LocalStore.js'
import { MemoryStore } from 'express-rate-limit'
import { RateLimiter } from 'holdfast'
import { RateLimiterMemory } from 'rate-limiter-flexible'

/** What remembers clients. */
export interface Store {
  readonly package: string
  /** @returns what takes a request of a client, and may answer later */
  readonly make: (clients: number) => (client: string) => unknown
}

const HOUR_MS = 3_600_000
const LIMIT = 1_000_000_000

export const STORES: Readonly<Record<string, Store>> = {
  holdfast: {
    package: 'holdfast',
    make: (clients) => {
      const perClient = { tokensPerSecond: 0.001, burstSize: 100_000 }
      const limiter = new RateLimiter({ perClient, maxClients: clients })
      return (client) => limiter.tryAcquire({ client })
    },
  },
  'rate-limiter-flexible, memory': {
    package: 'rate-limiter-flexible',
    make: () => {
      const limiter = new RateLimiterMemory({ points: LIMIT, duration: HOUR_MS / 1_000 })
      return (client) => limiter.consume(client)
    },
  },
  'express-rate-limit, MemoryStore': {
    package: 'express-rate-limit',
    make: () => {
      const store = new MemoryStore()
      Reflect.apply(store.init, store, [{ windowMs: HOUR_MS }])
      return (client) => store.increment(client)
    },
  },
  '@fastify/rate-limit, LocalStore': {
    package: '@fastify/rate-limit',
    make: (clients) => {
      const store = new LocalStore(false, false, clients)
      const done = (): void => {}
      return (client) => store.incr(client, done, HOUR_MS, LIMIT)
    },
  },
}
