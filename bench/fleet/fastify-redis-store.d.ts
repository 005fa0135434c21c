/** The store of @fastify/rate-limit that its option `redis` uses: the package does not declare it. */
declare module '@fastify/rate-limit/store/RedisStore.js' {
  import type { Redis } from 'ioredis'

  export default class RedisStore {
    constructor(continueExceeding: boolean, exponentialBackoff: boolean, redis: Redis, key?: string)
    incr(
      key: string,
      callback: (error: Error | null, found: { readonly current: number } | null) => void,
      timeWindow: number,
      max: number,
    ): void
  }
}
