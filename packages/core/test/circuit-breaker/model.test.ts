import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { CircuitBreaker, type CircuitPermit } from 'holdfast'
import { describe, expect, it } from 'vitest'

/**
 * The circuit breaker written down a second time, as naively as possible: a list of what happened, and a state that is
 * worked out by its rules. It knows nothing of generations or leases, only when each permit was given and in which epoch.
 */
class Model {
  state: 'CLOSED' | 'OPEN' | 'HALF_OPEN' = 'CLOSED'
  mode: 'automatic' | 'tripped' | 'disabled' = 'automatic'
  streak = 0
  successes = 0
  openedAt = 0
  epoch = 0
  probes: { id: number; since: number }[] = []
  readonly permits = new Map<number, { epoch: number; probe: boolean }>()
  readonly options: {
    failureThreshold: number
    recoveryTimeoutMs: number
    maxProbes: number
    successThreshold: number
    probeTimeoutMs: number
  }

  constructor(options: Model['options']) {
    this.options = options
  }

  move(state: Model['state']): void {
    this.state = state
    this.epoch++
    this.probes = []
    this.successes = 0
    if (state === 'CLOSED') this.streak = 0
  }

  lapse(now: number): void {
    if (this.state !== 'HALF_OPEN') return
    const late = this.probes.find(({ since }) => now - since >= this.options.probeTimeoutMs)
    if (late === undefined) return
    this.streak++
    this.openedAt = late.since + this.options.probeTimeoutMs
    this.move('OPEN')
  }

  enter(id: number, now: number): boolean {
    this.lapse(now)
    if (this.state === 'OPEN') {
      if (this.mode !== 'automatic' || now - this.openedAt < this.options.recoveryTimeoutMs) return false
      this.move('HALF_OPEN')
    }
    if (this.state === 'HALF_OPEN') {
      if (this.probes.length >= this.options.maxProbes) return false
      this.probes.push({ id, since: now })
      this.permits.set(id, { epoch: this.epoch, probe: true })
    } else {
      this.permits.set(id, { epoch: this.epoch, probe: false })
    }
    return true
  }

  settle(id: number, outcome: 'succeed' | 'fail' | 'ignore', now: number): void {
    const permit = this.permits.get(id)
    this.permits.delete(id)
    if (permit === undefined || permit.epoch !== this.epoch || this.mode === 'disabled') return
    this.lapse(now)
    if (permit.epoch !== this.epoch) return
    this.probes = this.probes.filter((probe) => probe.id !== id)
    if (outcome === 'succeed') {
      this.streak = 0
      if (this.state === 'HALF_OPEN' && ++this.successes >= this.options.successThreshold) this.move('CLOSED')
    }
    if (outcome === 'fail') {
      this.streak++
      if (this.state === 'HALF_OPEN' || this.streak >= this.options.failureThreshold) {
        this.openedAt = now
        this.move('OPEN')
      }
    }
  }

  operate(what: 'trip' | 'reset' | 'disable', now: number): void {
    this.mode = what === 'trip' ? 'tripped' : what === 'disable' ? 'disabled' : 'automatic'
    if (what === 'trip') this.openedAt = now
    this.move(what === 'trip' ? 'OPEN' : 'CLOSED')
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ do: 'enter' as const }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('succeed' as const, 'fail' as const, 'fail' as const, 'ignore' as const),
      which: fc.nat(7),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 40, 99, 100, 250, 300, 1_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('operate' as const),
      what: fc.constantFrom('trip' as const, 'reset' as const, 'disable' as const),
    }),
  },
)

describe('the circuit breaker', () => {
  it('behaves like its model under any interleaving, late outcomes included', () => {
    fc.assert(
      fc.property(
        fc.record({
          failureThreshold: fc.integer({ min: 1, max: 4 }),
          recoveryTimeoutMs: fc.constantFrom(100, 300),
          maxProbes: fc.integer({ min: 1, max: 3 }),
          successThreshold: fc.integer({ min: 1, max: 3 }),
          probeTimeoutMs: fc.constantFrom(100, 250),
        }),
        fc.array(step, { maxLength: 200 }),
        (options, steps) => {
          const clock = new VirtualClock()
          const breaker = new CircuitBreaker('modelled', { ...options, clock })
          const model = new Model(options)
          const held: { id: number; permit: CircuitPermit }[] = []
          let id = 0
          for (const each of steps) {
            const now = clock.now()
            if (each.do === 'enter') {
              id++
              let permit: CircuitPermit | undefined
              try {
                permit = breaker.tryEnter()
              } catch {
                permit = undefined
              }
              expect(permit !== undefined).toBe(model.enter(id, now))
              if (permit !== undefined) held.push({ id, permit })
            } else if (each.do === 'advance') {
              clock.block(each.ms)
            } else if (each.do === 'operate') {
              breaker[each.what]()
              model.operate(each.what, now)
            } else {
              const [taken] = held.splice(each.which % Math.max(1, held.length), 1)
              if (taken !== undefined) {
                taken.permit[each.do]()
                model.settle(taken.id, each.do, now)
              }
            }
            expect({
              state: breaker.state,
              mode: breaker.mode,
              streak: breaker.failureCount,
              probes: breaker.snapshot().probes,
            }).toEqual({
              state: model.state,
              mode: model.mode,
              streak: model.streak,
              probes: model.probes.length,
            })
          }
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
