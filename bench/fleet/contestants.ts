/** Those who keep one limit for many processes on Redis, each set up as its own README does. */
import FastifyRedisStore from '@fastify/rate-limit/store/RedisStore.js'
import { connectFleet, fleetRateLimiter } from '@holdfast/redis'
import { systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import { RedisStore as ExpressRedisStore } from 'rate-limit-redis'
import { RateLimiterRedis } from 'rate-limiter-flexible'

/** Decides for a key: whether the call may go. */
export type Decide = (key: string) => boolean | Promise<boolean>

/** A limiter that is connected and ready. */
export interface Opened {
  /** One limit, used all the time. */
  readonly hot: Decide
  /** A limit for each key. */
  readonly cold: Decide
  close(): Promise<void>
}

/** One of those who are measured. */
export interface Contestant {
  readonly name: string
  readonly package: string
  /** Limits nothing: shows what those who limit cannot do better. */
  readonly isFloor?: boolean
  open(redisUrl: string): Promise<Opened>
}

/** So high that no call is refused. */
const PLENTY = 1e8
const WINDOW_MS = 60_000

export const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'holdfast',
    package: '@holdfast/redis',
    async open(redisUrl) {
      const fleet = await connectFleet({ redis: redisUrl })
      const hot = fleetRateLimiter(fleet, 'hot', { tokensPerSecond: PLENTY, burstSize: PLENTY })
      const perClient = { tokensPerSecond: 10, burstSize: 10 }
      const cold = fleetRateLimiter(fleet, 'cold', { perClient, maxClients: 1_000_000 })
      // Redis remembers from its first second on, and then tokens flow.
      while (!hot.tryAcquire().allowed || !(await cold.decide({ client: 'first' })).allowed) await pause(20)
      return {
        hot: () => hot.tryAcquire().allowed || hot.acquire().then(() => true),
        cold: (client) => {
          const decision = cold.decide({ client })
          return decision instanceof Promise ? decision.then(({ allowed }) => allowed) : decision.allowed
        },
        close: () => fleet.close(),
      }
    },
  },
  {
    name: 'rate-limiter-flexible',
    package: 'rate-limiter-flexible',
    async open(redisUrl) {
      const storeClient = new Redis(redisUrl)
      const limiter = new RateLimiterRedis({ storeClient, points: PLENTY, duration: WINDOW_MS / 1_000 })
      const decide: Decide = (key) => limiter.consume(key).then(() => true)
      return opened(storeClient, decide)
    },
  },
  {
    name: '@fastify/rate-limit, its Redis store',
    package: '@fastify/rate-limit',
    async open(redisUrl) {
      const redis = new Redis(redisUrl)
      const store = new FastifyRedisStore(false, false, redis)
      const decide: Decide = (key) =>
        new Promise((resolve, reject) => {
          const read = (error: Error | null, found: { readonly current: number } | null): void =>
            error === null ? resolve((found?.current ?? Number.POSITIVE_INFINITY) <= PLENTY) : reject(error)
          store.incr(key, read, WINDOW_MS, PLENTY)
        })
      return opened(redis, decide)
    },
  },
  {
    name: 'express-rate-limit, rate-limit-redis',
    package: 'rate-limit-redis',
    async open(redisUrl) {
      const redis = new Redis(redisUrl)
      const store = new ExpressRedisStore({
        sendCommand: async (command = '', ...args) => asReply(await redis.call(command, ...args)),
      })
      store.windowMs = WINDOW_MS
      store.incrementScriptSha = store.loadIncrementScript()
      store.getScriptSha = store.loadGetScript()
      await Promise.all([store.incrementScriptSha, store.getScriptSha])
      const decide: Decide = async (key) => (await store.increment(key)).totalHits <= PLENTY
      return opened(redis, decide)
    },
  },
  {
    name: 'floor: each key is read and written, nothing is decided',
    package: 'ioredis',
    isFloor: true,
    async open(redisUrl) {
      const redis = new Redis(redisUrl)
      const touch = new Touch(redis, String(await redis.script('LOAD', TOUCH)))
      return opened(redis, (key) => touch.key(key))
    },
  },
]

/** Reads and writes each key, and nothing else. */
const TOUCH = `for i = 1, #KEYS do
  redis.call('GET', KEYS[i])
  redis.call('SET', KEYS[i], ARGV[1], 'PX', ARGV[2])
end
return #KEYS`

/** How many keys a script of holdfast looks after. */
const KEYS_PER_SCRIPT = 64

/** All keys of one turn, a few in each script. */
class Touch {
  readonly #redis: Redis
  readonly #sha: string
  #keys: string[] = []
  #settle: ((isTouched: boolean) => void)[] = []

  constructor(redis: Redis, sha: string) {
    this.#redis = redis
    this.#sha = sha
  }

  key(key: string): Promise<boolean> {
    if (this.#keys.length === 0) queueMicrotask(() => void this.#send())
    this.#keys.push(`holdfast:{fleet}:${key}`)
    return new Promise((resolve) => this.#settle.push(resolve))
  }

  async #send(): Promise<void> {
    const [keys, settle] = [this.#keys, this.#settle]
    this.#keys = []
    this.#settle = []
    for (let from = 0; from < keys.length; from += KEYS_PER_SCRIPT) {
      const some = keys.slice(from, from + KEYS_PER_SCRIPT)
      void this.#redis.evalsha(this.#sha, some.length, ...some, 'x'.repeat(48), WINDOW_MS).then(() => {
        for (const done of settle.slice(from, from + KEYS_PER_SCRIPT)) done(true)
      })
    }
  }
}

function opened(redis: Redis, decide: Decide): Opened {
  return { hot: decide, cold: decide, close: async () => redis.disconnect() }
}

type Reply = boolean | number | string | (boolean | number | string)[]

function asReply(answer: unknown): Reply {
  if (Array.isArray(answer)) return answer.map((one) => (typeof one === 'number' ? one : String(one)))
  return typeof answer === 'number' ? answer : String(answer)
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => void systemClock.setTimer(resolve, ms))
}
