/** Limits that several applications keep together, on every framework, over real sockets. */
import { VirtualClock } from '@holdfast/testing'
import { type FleetPatterns, type LimiterStore, RateLimiter, type RateLimiterOptions } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { FRAMEWORKS } from '../support/frameworks.ts'
import { ask, statusesOf } from '../support/raw-http.ts'

/** A fleet in one process: whoever names a limit gets the same one. */
class OneProcessFleet implements Pick<FleetPatterns, 'rateLimiter'> {
  readonly limits = new Map<string, RateLimiter>()
  readonly #storeOf: (options: RateLimiterOptions) => Partial<RateLimiterOptions>

  constructor(storeOf: (options: RateLimiterOptions) => Partial<RateLimiterOptions> = () => ({})) {
    this.#storeOf = storeOf
  }

  rateLimiter(name: string, options: RateLimiterOptions): RateLimiter {
    const limiter = this.limits.get(name) ?? new RateLimiter({ ...options, ...this.#storeOf(options) })
    this.limits.set(name, limiter)
    return limiter
  }
}

/** Has no tokens at hand until it has asked, and then as many as it is given, once. */
function askingStore(given: number): { store: LimiterStore; asked: () => number } {
  let tokens = 0
  let asked = 0
  const bucket = {
    tokensPerSecond: 1,
    burstSize: 10,
    available: () => tokens,
    waitMs: (cost: number) => (tokens >= cost ? 0 : 1_000),
    take: (cost: number) => {
      tokens -= cost
    },
    tryTake: (cost: number) => {
      if (tokens < cost) return false
      tokens -= cost
      return true
    },
    giveBack: (cost: number) => {
      tokens += cost
    },
    setLimit: () => undefined,
    estimateMs: () => 1_000,
    fullInMs: () => 1_000,
    asking: (cost: number) => {
      if (tokens >= cost) return undefined
      asked++
      return Promise.resolve().then(() => {
        if (asked === 1) tokens += given
      })
    },
  }
  return {
    store: { bucket: () => bucket, clientBuckets: () => ({ ...bucket, size: 1, of: () => bucket }) },
    asked: () => asked,
  }
}

const twelve = Array.from({ length: 12 }, () => ({}))

describe.each(FRAMEWORKS)('a fleet of applications on $name', ({ serve }) => {
  it('holds a client to one limit, and all to one', async () => {
    const fleet = new OneProcessFleet()
    const clock = new VirtualClock()
    const limits = { tokensPerSecond: 1, burstSize: 9, perClient: { tokensPerSecond: 1, burstSize: 5 }, clock, fleet }
    const [one, other] = [await serve({ limits }), await serve({ limits })]
    const seen = [...(await statusesOf(one, twelve.slice(0, 3))), ...(await statusesOf(other, twelve.slice(0, 4)))]
    expect(seen).toEqual([200, 200, 200, 200, 200, 429, 429])
    expect([...fleet.limits.keys()]).toEqual(['requests:client-1', 'requests:all'])
  })

  it('keeps limits apart that differ: of routes, of keys, of applications', async () => {
    const fleet = new OneProcessFleet()
    const own = { tokensPerSecond: 1, burstSize: 2 }
    const limits = { perClient: own, apiKeys: { 'desk-7': own }, clock: new VirtualClock(), fleet, fleetName: 'desk' }
    const route = { method: 'GET', path: '/report', limit: { perClient: own }, answer: () => 'long' } as const
    await serve({ limits, routes: [route] })
    const names = [...fleet.limits.keys()]
    expect(names).toHaveLength(3)
    expect(names.slice(0, 2)).toEqual(['desk:client-1', 'desk:key:desk-7'])
    expect(names[2]).toMatch(/^desk:.*GET \/report.*:client-1$/)
  })

  it('is asked before a refusal is one', async () => {
    const { store, asked } = askingStore(2)
    const told: string[] = []
    const limits = {
      tokensPerSecond: 1,
      clock: new VirtualClock(),
      fleet: new OneProcessFleet(() => ({ store })),
      onLimited: ({ client }: { client: string }) => void told.push(client),
    }
    const port = await serve({ limits })
    expect((await ask(port)).status).toBe(200)
    expect(asked()).toBe(1)
    expect(await statusesOf(port, twelve.slice(0, 2))).toEqual([200, 429])
    expect(asked()).toBe(2)
    expect(told).toEqual(['address:127.0.0.1'])
  })
})
