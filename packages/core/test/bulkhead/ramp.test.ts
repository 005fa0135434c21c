import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { Bulkhead, createResilience } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, networkError, rejection } from '../support.ts'

describe('the ramp', () => {
  it('lets a tenth run at first, two at least, and one more after each success', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ clock, maxConcurrent: 30 })
    const running: ReturnType<typeof deferred<void>>[] = []
    bulkhead.ramp()
    for (let n = 0; n < 40; n++) {
      const work = async (): Promise<void> => {
        const own = deferred()
        running.push(own)
        await own.promise
      }
      bulkhead.execute(work).catch(() => undefined)
    }
    await clock.settle()
    expect(running).toHaveLength(3)
    expect(bulkhead.snapshot()).toMatchObject({ maxConcurrent: 30, ceiling: 3, active: 3, queued: 37 })
    running[0]?.resolve()
    await clock.settle()
    expect(bulkhead.snapshot()).toMatchObject({ ceiling: 4, active: 4 })
    running[1]?.reject(new Error('no'))
    await clock.settle()
    expect(bulkhead.snapshot()).toMatchObject({ ceiling: 4, active: 4 })
    for (let n = 2; n < 40; n++) {
      running[n]?.resolve()
      await clock.settle()
    }
    expect(bulkhead.snapshot()).toMatchObject({ ceiling: 30, active: 0 })
  })

  it('is what a refusal counts: of twenty slots two are there', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ clock, maxConcurrent: 20, maxQueue: 0 })
    bulkhead.ramp()
    const permits = [bulkhead.tryEnter(), bulkhead.tryEnter()]
    expect(await rejection(bulkhead.execute(() => 1))).toMatchObject({
      message: expect.stringContaining('all 2 are taken'),
      figures: { slots: 2 },
    })
    expect(() => bulkhead.tryEnter()).toThrow('all 2 are taken')
    for (const permit of permits) permit.release()
  })

  it('never has more calls running than its beginning and its successes allow, whatever fails in between', async () => {
    const step = fc.oneof(
      fc.constant({ do: 'call' as const, which: 0 }),
      fc.record({ do: fc.constantFrom('succeed' as const, 'fail' as const), which: fc.nat(20) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 1, max: 40 }),
        async (steps, maxConcurrent) => {
          const clock = new VirtualClock()
          const bulkhead = new Bulkhead({ clock, maxConcurrent, acquireTimeoutMs: 60_000 })
          bulkhead.ramp()
          const running: ReturnType<typeof deferred<void>>[] = []
          let successes = 0
          for (const each of steps) {
            if (each.do === 'call') {
              const work = (): Promise<void> => {
                const own = deferred()
                running.push(own)
                return own.promise
              }
              bulkhead.execute(work).catch(() => undefined)
            } else {
              const [one] = running.splice(each.which % Math.max(1, running.length), 1)
              if (one === undefined) continue
              if (each.do === 'fail') one.reject(new Error('no'))
              else {
                one.resolve()
                successes++
              }
            }
            await clock.settle()
            const allowed = Math.max(2, Math.ceil(maxConcurrent / 10)) + successes
            expect(running.length).toBeLessThanOrEqual(Math.min(maxConcurrent, allowed))
          }
        },
      ),
      { numRuns: 100 },
    )
  })

  it('of a small bulkhead is none', () => {
    const bulkhead = new Bulkhead({ maxConcurrent: 2 })
    bulkhead.ramp()
    expect(bulkhead.snapshot().ceiling).toBe(2)
  })
})

describe('a service', () => {
  const setUp = () => {
    const clock = new VirtualClock()
    const resilience = createResilience({
      clock,
      services: {
        ledger: {
          profile: 'INTERNAL',
          retry: false,
          rateLimiter: false,
          circuitBreaker: { failureThreshold: 2, recoveryTimeoutMs: 1_000 },
          bulkhead: { maxConcurrent: 40, acquireTimeoutMs: 60_000 },
        },
      },
    })
    return { clock, ledger: resilience.service('ledger') }
  }

  it('ramps up when its circuit closes', async () => {
    const { clock, ledger } = setUp()
    for (let n = 0; n < 2; n++) await rejection(ledger.execute(() => Promise.reject(networkError('ECONNRESET'))))
    await clock.advance(1_000)
    await ledger.execute(() => 1)
    expect(ledger.circuitBreaker?.state).toBe('CLOSED')
    expect(ledger.bulkhead?.snapshot().ceiling).toBe(5)
  })

  it('tells those who wait for a slot at once when its circuit opens', async () => {
    const { clock, ledger } = setUp()
    const running: ReturnType<typeof deferred<void>>[] = []
    const call = (): Promise<unknown> =>
      ledger.execute(() => {
        const own = deferred()
        running.push(own)
        return own.promise
      })
    const calls = Array.from({ length: 50 }, call)
    const waiting = calls.slice(41).map(rejection)
    for (const one of calls.slice(2, 41)) one.catch(() => undefined)
    const failed = calls.slice(0, 2).map(rejection)
    await clock.settle()
    expect(ledger.bulkhead?.snapshot()).toMatchObject({ active: 40, queued: 10 })
    // The first failure leaves its slot to one who waits; the second opens the circuit.
    for (const one of running.slice(0, 2)) one.reject(networkError('ECONNRESET'))
    await Promise.all(failed)
    for (const error of await Promise.all(waiting)) expect(error).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(clock.now()).toBe(0)
    expect(running).toHaveLength(41)
  })
})
