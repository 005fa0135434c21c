import type { RedisServer } from '@holdfast/testing/redis-server'
import { systemClock } from 'holdfast'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { type TestContext, vi } from 'vitest'
import {
  connectFleet,
  type Fleet,
  type FleetError,
  type FleetLimit,
  type FleetOptions,
  type RedisSource,
} from '../../src/index.ts'
import type { WhenUnavailable } from '../../src/rate-limiter/bucket.ts'
import { FleetStore } from '../../src/rate-limiter/fleet-store.ts'
import type { LeasedBucket } from '../../src/rate-limiter/leased-bucket.ts'
import { type Admission, overAdmission } from './admissions.ts'

/** The limit of these tests: small enough to be used up, large enough to be quick. */
export const LIMIT: Pick<FleetLimit, 'tokensPerSecond' | 'burstSize'> = { tokensPerSecond: 100, burstSize: 20 }

/** How often each process calls, in milliseconds: together far more than the limit allows. */
const EVERY_MS = 8

/** How long something that must come may take on a busy machine, in milliseconds. */
export const PATIENCE = { timeout: 90_000, interval: 20 }

/** The members of a fleet, each with connections of its own to a real Redis, calling all the time. */
export class RealFleet {
  readonly fleets: Fleet[] = []
  readonly buckets: LeasedBucket[] = []
  readonly admissions: Admission[] = []
  readonly problems: FleetError[] = []
  readonly #whenUnavailable: WhenUnavailable
  #awaySince: number | undefined
  #stopped = false

  constructor(test: TestContext, whenUnavailable: WhenUnavailable = 'local-share') {
    this.#whenUnavailable = whenUnavailable
    test.onTestFinished(() => this.close())
  }

  /** One more process of the fleet. */
  async add(redis: RedisSource, options: Partial<FleetOptions> & { limit?: typeof LIMIT } = {}): Promise<Fleet> {
    const { limit = LIMIT, ...more } = options
    const onProblem = (problem: FleetError): void => void this.problems.push(problem)
    const fleet = await connectFleet({ redis, onProblem, ...more })
    const store = new FleetStore(fleet, 'alpaca', this.#whenUnavailable)
    const bucket = store.bucket({ label: 'global', ...limit }, () => undefined)
    this.fleets.push(fleet)
    this.buckets.push(bucket)
    const call = (): void => {
      if (this.#stopped) return
      const now = systemClock.now()
      if (!fleet.home.available) this.#awaySince ??= now
      if (bucket.waitMs(1, now) === 0) {
        bucket.take(1, now)
        this.admissions.push({ at: now, cost: 1 })
      }
      systemClock.setTimer(call, EVERY_MS)
    }
    call()
    return fleet
  }

  /** Waits until that many more calls have been admitted. */
  async admits(more: number): Promise<void> {
    const wanted = this.admissions.length + more
    await vi.waitFor(() => {
      if (this.admissions.length < wanted) throw new Error(`${this.admissions.length} of ${wanted} admitted`)
    }, PATIENCE)
  }

  /** Waits until every member has had an answer from Redis from now on. */
  async answered(): Promise<void> {
    const since = systemClock.now()
    await vi.waitFor(() => {
      const deaf = this.fleets.filter((fleet) => fleet.home.lastAnsweredAt < since + fleet.timeLimitMs)
      if (deaf.length > 0) throw new Error(`${deaf.length} members have had no answer`)
    }, PATIENCE)
  }

  /** Waits until no member has had an answer for so long. */
  async silentFor(ms: number): Promise<void> {
    await vi.waitFor(() => {
      const since = systemClock.now() - ms
      if (this.fleets.some(({ home }) => home.lastAnsweredAt > since)) throw new Error('somebody has had an answer')
    }, PATIENCE)
  }

  /** Waits until all members admit by their share of the limit. */
  async shares(): Promise<void> {
    await vi.waitFor(() => {
      const now = systemClock.now()
      if (!this.fleets.every((fleet) => fleet.home.shareFrom(now) !== undefined)) throw new Error('not yet')
    }, PATIENCE)
  }

  /** Waits until every member has its part of the limit, should Redis go away. */
  async established(): Promise<void> {
    await vi.waitFor(() => {
      const parts = this.fleets.map(({ home }) => home.part)
      if (parts.some((part) => part < 0.99 / parts.length)) throw new Error(`not all have a part: ${parts}`)
    }, PATIENCE)
  }

  /** By how much the worst window was over the limit. */
  get over(): number {
    return overAdmission(this.admissions, LIMIT)
  }

  /** The same of the time before any member missed an answer. */
  get overWithRedis(): number {
    const since = this.#awaySince ?? Number.POSITIVE_INFINITY
    return overAdmission(
      this.admissions.filter(({ at }) => at < since),
      LIMIT,
    )
  }

  async close(): Promise<void> {
    this.#stopped = true
    await Promise.all(this.fleets.map((fleet) => fleet.close()))
  }
}

/** Four members, two with each client. */
export async function fleetOn(
  test: TestContext,
  server: RedisServer,
  whenUnavailable?: WhenUnavailable,
): Promise<RealFleet> {
  const fleet = new RealFleet(test, whenUnavailable)
  for (let member = 0; member < 4; member++) {
    await fleet.add(member % 2 === 0 ? ioredisFor(server.url) : nodeRedisFor(server.url))
  }
  return fleet
}

/** A client of ioredis as a user makes it; it never connects itself. */
export function ioredisFor(url: string): Redis {
  return new Redis(url, { lazyConnect: true })
}

/** A client of node-redis as a user makes it; it never connects itself. */
export function nodeRedisFor(url: string): RedisSource {
  return createClient({ url })
}
