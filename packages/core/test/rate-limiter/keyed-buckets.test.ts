import { seededRandom } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClientPlace } from '../../src/rate-limiter/client-place.ts'
import { newDecision } from '../../src/rate-limiter/decision.ts'
import type { ClientKey } from '../../src/rate-limiter/key-hash.ts'
import { KeyedBuckets } from '../../src/rate-limiter/keyed-buckets.ts'
import { TokenBucket } from '../../src/rate-limiter/token-bucket.ts'
import { TokenClock } from '../../src/rate-limiter/token-clock.ts'

function take(table: KeyedBuckets, place: ClientPlace, cost: number, now: number): void {
  table.admitAt(place, cost, now, newDecision())?.take(cost, now)
}

interface Limit {
  readonly tokensPerSecond: number
  readonly burstSize: number
}

/** The table, and beside it a bucket for each client in a plain map that forgets nobody. */
class Twins {
  readonly table: KeyedBuckets
  readonly model = new Map<ClientKey, TokenBucket>()
  readonly #places = new Map<ClientKey, ClientPlace>()
  #looks = 0
  readonly #clock: TokenClock

  constructor(limit: Limit, maxClients: number, seed: readonly [number, number] = [1, 2]) {
    this.#clock = new TokenClock(limit, 0)
    this.table = new KeyedBuckets(this.#clock, maxClients, seed)
  }

  expected(client: ClientKey): TokenBucket {
    const known = this.model.get(client)
    if (known !== undefined) return known
    const bucket = new TokenBucket(this.#clock)
    this.model.set(client, bucket)
    return bucket
  }

  /** Whether both say the same about a client. */
  agree(client: ClientKey, cost: number, now: number): boolean {
    const expected = this.expected(client)
    const own = this.table.of(client, now)
    return (
      own.available(now) === expected.available(now) &&
      own.waitMs(cost, now) === expected.waitMs(cost, now) &&
      own.fullInMs(now) === expected.fullInMs(now)
    )
  }

  /** Takes from the table if it allows it, and from the model as well. @returns what each allowed */
  tryTake(client: ClientKey, cost: number, now: number): { taken: boolean; expected: boolean } {
    const bucket = this.expected(client)
    const expected = bucket.waitMs(cost, now) === 0
    const taken = this.#tryTakeOwn(client, cost, now)
    if (taken) bucket.take(cost, now)
    return { taken, expected }
  }

  /** By name, and by the place that is kept of each client, in turn. */
  #tryTakeOwn(client: ClientKey, cost: number, now: number): boolean {
    const place = this.#places.get(client) ?? new ClientPlace(client)
    this.#places.set(client, place)
    const byPlace = this.#looks++ % 2 === 1
    const own = byPlace ? this.table.admitAt(place, cost, now, newDecision()) : this.table.of(client, now)
    if (own === undefined) return true
    if (own.waitMs(cost, now) > 0) return false
    own.take(cost, now)
    return true
  }
}

const step = fc.record({
  client: fc.oneof(fc.integer({ min: 0, max: 30 }), fc.constantFrom('a', 'b', '7', '')),
  cost: fc.constantFrom(1, 1, 1, 2, 0.5),
  gapMs: fc.oneof(fc.constantFrom(0, 1, 0.001), fc.double({ min: 0, max: 3_000, noNaN: true })),
  giveBack: fc.boolean(),
})

describe('buckets of many clients', () => {
  it('say of each client what a bucket of his own would, while there is room', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const twins = new Twins({ tokensPerSecond: 1, burstSize: 4 }, 1_000)
        let now = 0
        for (const { client, cost, gapMs, giveBack } of steps) {
          now += gapMs
          const { taken, expected } = twins.tryTake(client, cost, now)
          expect(taken).toBe(expected)
          if (taken && giveBack) {
            twins.table.of(client, now).giveBack(cost, now)
            twins.expected(client).giveBack(cost)
          }
          expect(twins.agree(client, cost, now)).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })

  it('grow from a few to 100,000 clients and lose none', () => {
    const twins = new Twins({ tokensPerSecond: 0.001, burstSize: 3 }, 200_000)
    const random = seededRandom(7)
    const clients = 100_000
    for (let client = 0; client < clients; client++) {
      twins.tryTake(client, 1, client / 100)
      twins.tryTake(Math.floor(random() * (client + 1)), 1, client / 100)
    }
    expect(twins.table.size).toBe(clients)
    const lost = [...twins.model.keys()].filter((client) => !twins.agree(client, 3, 1_000))
    expect(lost).toEqual([])
  })

  it('forget those who are idle, and shrink again after a flood', () => {
    const { table } = new Twins({ tokensPerSecond: 1, burstSize: 10 }, 200_000)
    for (let client = 0; client < 30_000; client++) table.of(client, 0).take(1, 0)
    table.of('in debt', 0).take(10, 0)
    expect(table.size).toBe(30_001)
    // Time passes, and one client goes on calling, over the connection that he has.
    const busy = new ClientPlace('busy')
    for (let call = 0; call < 30_000; call++) take(table, busy, 0.001, 2_000)
    expect(table.size).toBe(2)
    expect(table.of('in debt', 2_000).available(2_000)).toBe(2)
  })

  it('know a place of their own only', () => {
    const tables = [5, 3].map((burstSize) => new Twins({ tokensPerSecond: 1, burstSize }, 10).table)
    const place = new ClientPlace('desk-7')
    const left: number[] = []
    for (let round = 0; round < 3; round++) {
      for (const table of tables) {
        take(table, place, 1, 0)
        left.push(table.of('desk-7', 0).available(0))
      }
    }
    expect(left).toEqual([4, 2, 3, 1, 2, 0])
  })

  it('leave nothing with whoever remembers a place that is no more', () => {
    const { table } = new Twins({ tokensPerSecond: 1, burstSize: 5 }, 10_000)
    const place = new ClientPlace('desk-7')
    for (let call = 0; call < 2; call++) take(table, place, 1, 0)
    const { segment } = place
    for (let client = 0; client < 5_000; client++) table.of(client, 0).take(1, 0)
    const kept: unknown[] = []
    segment?.forEachInDebt(Number.NEGATIVE_INFINITY, (...client) => kept.push(client))
    expect([segment?.table, kept]).toEqual([undefined, []])
    take(table, place, 1, 0)
    expect(table.of('desk-7', 0).available(0)).toBe(2)
  })

  it('never admit a client more than his own bucket would, whoever else comes', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 300 }), (seed, maxClients) => {
        const random = seededRandom(seed)
        const twins = new Twins({ tokensPerSecond: 5, burstSize: 5 }, maxClients, [seed, ~seed])
        let now = 0
        for (let call = 0; call < 3_000; call++) {
          now += random() * 2
          // Half of the calls are those of a few clients, half of strangers who make up names.
          const client = random() < 0.5 ? Math.floor(random() * maxClients) : `stranger ${Math.floor(random() * call)}`
          const { taken, expected } = twins.tryTake(client, 1 + Math.floor(random() * 3), now)
          if (taken && !expected) throw new Error(`call ${call} frees ${client} of his debt`)
          if (twins.table.size > maxClients) throw new Error(`call ${call}: ${twins.table.size} clients`)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('give all those together for whom there is no room no more than one client', () => {
    const limit = { tokensPerSecond: 1, burstSize: 5 }
    const table = new KeyedBuckets(new TokenClock(limit, 0), 100, [1, 2])
    for (let client = 0; client < 100; client++) table.of(client, 0).take(5, 0)
    let admitted = 0
    for (let stranger = 0; stranger < 10_000; stranger++) {
      const bucket = table.of(`stranger ${stranger}`, stranger / 10)
      if (bucket.waitMs(1, stranger / 10) > 0) continue
      bucket.take(1, stranger / 10)
      admitted++
    }
    expect(admitted).toBe(5)
    expect(table.size).toBe(100)
  })
})
