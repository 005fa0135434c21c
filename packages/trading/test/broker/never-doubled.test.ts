/**
 * O1 and O2, for all that can happen: an intent is executed at most once, and none is forgotten, under random faults, kills,
 * callers who give up, streams, and turns of the kill switch; for brokers that refuse a second copy and brokers that do not.
 */
import { seededRandom, VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { createResilience } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { type AccountJournal, Broker, memoryJournal, type OrderJournal, type OrderOutcome } from '../../src/index.ts'
import {
  drawn,
  type Fate,
  HANGS_AFTER,
  HANGS_BEFORE,
  LOST,
  NOT_CONNECTED,
  REFUSES,
  RESET_BEFORE,
  SimulatedAdapter,
  SimulatedExchange,
  SLOW,
  THROTTLES,
  WELL,
} from './simulated-broker.ts'

const FATES: readonly Fate[] = [
  WELL,
  WELL,
  WELL,
  LOST,
  LOST,
  NOT_CONNECTED,
  RESET_BEFORE,
  HANGS_AFTER,
  HANGS_BEFORE,
  REFUSES,
  THROTTLES,
  SLOW,
]

const INTENTS = 12

/** One life of a process that trades: from its start to its death. */
interface Life {
  readonly broker: Broker
  readonly adapter: SimulatedAdapter
  readonly claims: AccountJournal[]
}

interface Plan {
  readonly seed: number
  readonly refusesDuplicateIds: boolean
  readonly saysOfCopies: 'id-is-taken' | 'no-buying-power'
  readonly streams: boolean
  readonly visibilityLagMs: number
}

const plans: fc.Arbitrary<Plan> = fc.record({
  seed: fc.integer({ min: 0, max: 0xffff_ffff }),
  refusesDuplicateIds: fc.boolean(),
  saysOfCopies: fc.constantFrom('id-is-taken', 'no-buying-power'),
  streams: fc.boolean(),
  visibilityLagMs: fc.constantFrom(0, 2_000, 20_000, 20_000),
})

class World {
  readonly clock = new VirtualClock()
  readonly exchange: SimulatedExchange
  readonly journal = memoryJournal()
  /** What callers were told. */
  readonly told: { readonly id: string; readonly outcome: OrderOutcome }[] = []
  readonly #random: () => number
  readonly #plan: Plan
  life: Life

  constructor(plan: Plan) {
    this.#plan = plan
    this.#random = seededRandom(plan.seed)
    this.exchange = new SimulatedExchange(this.clock, plan)
    this.exchange.visibilityLagMs = plan.visibilityLagMs
    for (let count = 0; count < INTENTS * 8; count++) this.exchange.fates.push(drawn(FATES, this.#random))
    this.life = this.#born()
  }

  /** Ten to twenty things happen, at random moments. */
  async happen(): Promise<void> {
    for (let step = 0; step < 24; step++) {
      const chance = this.#random()
      if (chance < 0.6) this.#submit()
      else if (chance < 0.75) this.#kill()
      else if (chance < 0.8) this.exchange.takesOrders = !this.exchange.takesOrders
      else if (chance < 0.87) this.exchange.answersLookups = !this.exchange.answersLookups
      else void this.#turnSwitch()
      await this.clock.advance(this.#random() < 0.5 ? this.#random() * 50 : this.#random() * 8_000)
    }
    // All is well from now on; who was in doubt has time to find out.
    this.exchange.answersLookups = true
    this.exchange.takesOrders = true
    this.exchange.fates.length = 0
    await this.clock.advance(60_000)
    this.#kill()
    await this.life.broker.open()
    await this.clock.advance(120_000)
  }

  #submit(): void {
    const id = `intent-${Math.floor(this.#random() * INTENTS)}`
    const controller = new AbortController()
    if (this.#random() < 0.2) this.clock.setTimer(() => controller.abort(), this.#random() * 3_000)
    const { life } = this
    const timeoutMs = 100 + this.#random() * 20_000
    life.broker
      .submitOrder(
        { clientOrderId: id, symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market' },
        { timeoutMs, signal: controller.signal },
      )
      // A process that is dead tells nobody anything.
      .then((outcome) => life === this.life && this.told.push({ id, outcome }))
      .catch((error: unknown) => {
        if (life === this.life) throw error
      })
  }

  /** The process dies: nothing of it acts any more, what it has sent goes on. Another one starts. */
  #kill(): void {
    this.life.adapter.isDead = true
    for (const claim of this.life.claims) void claim.release()
    this.life = this.#born()
  }

  async #turnSwitch(): Promise<void> {
    const { broker } = this.life
    const turn = { by: 'ann', reason: 'drill' }
    // Of a process that dies meanwhile nobody hears.
    await (broker.killSwitch.engaged ? broker.releaseKillSwitch(turn) : broker.engageKillSwitch(turn)).catch(() => null)
    this.clock.setTimer(() => void broker.releaseKillSwitch(turn).catch(() => null), 500)
  }

  #born(): Life {
    const adapter = new SimulatedAdapter(this.exchange, this.#plan)
    const claims: AccountJournal[] = []
    const journal: OrderJournal = {
      claim: async (account) => {
        const claim = await this.journal.claim(account)
        claims.push(claim)
        return claim
      },
      close: () => this.journal.close(),
    }
    const service = createResilience({
      clock: this.clock,
      random: this.#random,
      services: { broker: { profile: 'BROKER', rateLimiter: false, bulkhead: { maxConcurrent: 4, maxQueue: 50 } } },
    }).service('broker')
    const broker = new Broker(adapter, { service, journal, clock: this.clock, onHookError: () => undefined })
    return { broker, adapter, claims }
  }
}

describe('an intent', () => {
  it('is executed at most once, and never forgotten, whatever happens', async () => {
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const world = new World(plan)
        await world.happen()
        const { exchange, life, told } = world
        for (const [id, orders] of exchange.orders) expect(orders, `${id} was executed`).toHaveLength(1)
        const inDoubt = new Set(life.broker.inDoubt().map(({ clientOrderId }) => clientOrderId))
        const account = await settledAccount(world)
        for (let count = 0; count < INTENTS; count++) {
          const id = `intent-${count}`
          const entry = await account.find(id)
          if (entry === undefined) {
            expect(exchange.executions(id), `${id} is unknown`).toBe(0)
            continue
          }
          if (entry.state === 'accepted') expect(exchange.executions(id), `${id} is ${entry.state}`).toBe(1)
          else if (entry.state === 'refused' || entry.state === 'never-sent')
            expect(exchange.executions(id), `${id} is ${entry.state}`).toBe(0)
          else expect(inDoubt, `${id} is ${entry.state}`).toContain(id)
        }
        // What a caller was told of an acceptance is true for ever.
        for (const { id, outcome } of told) {
          if (outcome.status === 'accepted') expect(exchange.executions(id), `${id} was said to be accepted`).toBe(1)
        }
      }),
      { numRuns: 250 },
    )
  })
})

/** The journal, once nobody owns the account any more. */
async function settledAccount(world: World): Promise<AccountJournal> {
  for (const claim of world.life.claims) await claim.release()
  return await world.journal.claim('simulated')
}
