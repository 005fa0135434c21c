/** What the circuit breaker does beyond the classic one: parked callers, keys, the user's probe, shadow mode. */
import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { CircuitBreaker, type CircuitBreakerOptions, CircuitOpenError, type ProbeCall, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, rejection, statusError } from '../support.ts'

function setUp(options: CircuitBreakerOptions = {}): {
  readonly clock: VirtualClock
  readonly breaker: CircuitBreaker
  readonly call: (fn: () => unknown, key?: string) => Promise<unknown>
  readonly trip: (key?: string) => void
} {
  const clock = new VirtualClock()
  const breaker = new CircuitBreaker('alpaca', {
    clock,
    failureThreshold: 3,
    recoveryTimeoutMs: 10_000,
    probeShare: 1,
    random: () => 0.5,
    ...options,
  })
  const guarded = pipeline({ clock, circuitBreaker: breaker })
  // So much is asked for that the shortest interval between probes holds.
  for (let call = 0; call < 200; call++) breaker.tryEnter().succeed()
  return {
    clock,
    breaker,
    call: (fn, key) => guarded.execute(fn, { key }),
    trip: (key) => {
      for (let failure = 0; failure < 3; failure++) breaker.tryEnter(key).fail(networkError('ECONNRESET'))
    },
  }
}

describe('callers of the first moment', () => {
  it('wait for the first probe, which one of them becomes, and go on when it succeeds', async () => {
    const { clock, breaker, call, trip } = setUp({ maxParked: 2 })
    trip()
    const order: string[] = []
    const parked = [1, 2].map((n) => call(() => void order.push(`${n} at ${clock.now()}`)))
    expect(breaker.snapshot().parked).toBe(2)
    expect(await rejection(call(() => 1))).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    await clock.advance(1_000)
    await Promise.all(parked)
    expect(order).toEqual(['1 at 250', '2 at 250'])
    expect(breaker.snapshot()).toMatchObject({ state: 'CLOSED', parked: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it('wait once: when the probe fails, all are refused, and later ones at once', async () => {
    const { clock, breaker, call, trip } = setUp({ maxParked: 5 })
    trip()
    const parked = [1, 2, 3].map(() => rejection(call(() => Promise.reject(networkError('ECONNRESET')))))
    await clock.advance(250)
    const codes = (await Promise.all(parked)).map((error) => Reflect.get(Object(error), 'code'))
    expect(codes).toEqual(['ECONNRESET', 'HOLDFAST_CIRCUIT_OPEN', 'HOLDFAST_CIRCUIT_OPEN'])
    expect(await rejection(call(() => 1))).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(breaker.snapshot().parked).toBe(0)
  })

  it('leave when they are given up, and nothing is left of them', async () => {
    const { clock, breaker, trip } = setUp({ maxParked: 5 })
    const guarded = pipeline({ clock, circuitBreaker: breaker })
    trip()
    const controller = new AbortController()
    const aborted = rejection(guarded.execute(() => 1, { signal: controller.signal }))
    const timedOut = rejection(guarded.execute(() => 1, { timeoutMs: 100 }))
    controller.abort(new Error('enough'))
    expect(await aborted).toMatchObject({ message: 'enough' })
    await clock.advance(100)
    expect(await timedOut).toMatchObject({ code: 'HOLDFAST_TIMEOUT', started: false })
    expect(breaker.snapshot().parked).toBe(0)
    await clock.runToRest()
    expect(clock.pendingTimers).toBe(0)
  })

  it('are refused at once after parkingMs', async () => {
    const { clock, call, trip } = setUp({ maxParked: 5, parkingMs: 600 })
    trip()
    await clock.advance(600)
    // The first to call is the probe by now.
    void call(() => new Promise(() => undefined))
    expect(await rejection(call(() => 1))).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(clock.now()).toBe(600)
  })

  it('are refused at once when no probe is due within parkingMs: with little demand nobody waits', async () => {
    const { clock, call, trip } = setUp({ maxParked: 5, minProbeIntervalMs: 5_000, parkingMs: 600 })
    trip()
    expect(await rejection(call(() => 1))).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(clock.now()).toBe(0)
  })

  it('never wait longer than parkingMs, though the probe hangs', async () => {
    const { clock, breaker, call, trip } = setUp({ maxParked: 5 })
    trip()
    const hanging = new Promise(() => undefined)
    const parked = [1, 2, 3].map(() => rejection(call(() => hanging)))
    await clock.advance(599)
    expect(breaker.snapshot()).toMatchObject({ state: 'HALF_OPEN', probes: 1, parked: 2 })
    await clock.advance(1)
    for (const refused of parked.slice(1)) expect(await refused).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    expect(breaker.snapshot()).toMatchObject({ state: 'HALF_OPEN', probes: 1, parked: 0 })
  })
})

describe('callers of the first moment of a key’s outage', () => {
  // Soon enough to be waited for, though nobody knows the demand for a key that has just begun to fail.
  const settings: CircuitBreakerOptions = { probeShare: undefined, recoveryTimeoutMs: 250 }

  it('are never called once they have been given up', async () => {
    const { clock, breaker, trip } = setUp({ ...settings, maxParked: 5, maxKeys: 10 })
    const guarded = pipeline({ clock, circuitBreaker: breaker })
    trip('TSLA')
    let orders = 0
    const controller = new AbortController()
    const aborted = rejection(guarded.execute(() => ++orders, { key: 'TSLA', signal: controller.signal }))
    const timedOut = rejection(guarded.execute(() => ++orders, { key: 'TSLA', timeoutMs: 100 }))
    controller.abort(new Error('enough'))
    expect(await aborted).toMatchObject({ message: 'enough' })
    await clock.advance(100)
    expect(await timedOut).toMatchObject({ code: 'HOLDFAST_TIMEOUT', started: false })
    await clock.runToRest()
    expect(orders).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('wait once: when the probe fails, all are refused', async () => {
    const { clock, call, trip } = setUp({ ...settings, maxParked: 5, maxKeys: 10 })
    trip('TSLA')
    const parked = [1, 2, 3].map(() => rejection(call(() => Promise.reject(networkError('ECONNRESET')), 'TSLA')))
    await clock.advance(250)
    const codes = (await Promise.all(parked)).map((error) => Reflect.get(Object(error), 'code'))
    expect(codes).toEqual(['ECONNRESET', 'HOLDFAST_CIRCUIT_OPEN', 'HOLDFAST_CIRCUIT_OPEN'])
  })
})

describe('parking', () => {
  it('never has more than maxParked callers, and none waits longer than parkingMs, whatever probes do', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('call' as const), tookMs: fc.integer({ min: 0, max: 900 }), isGood: fc.boolean() }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 300 }) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.integer({ min: 1, max: 4 }), async (steps, maxParked) => {
        const { clock, breaker, call, trip } = setUp({ maxParked, parkingMs: 600, maxProbes: 2 })
        trip()
        const waits: number[] = []
        const ended: Promise<unknown>[] = []
        for (const each of steps) {
          if (each.do === 'advance') {
            await clock.advance(each.ms)
          } else {
            const cameAt = clock.now()
            let isAdmitted = false
            const work = async (): Promise<void> => {
              isAdmitted = true
              waits.push(clock.now() - cameAt)
              await new Promise<void>((resolve) => void clock.setTimer(resolve, each.tookMs))
              if (!each.isGood) throw networkError('ECONNRESET')
            }
            const noted = (): void => {
              if (!isAdmitted) waits.push(clock.now() - cameAt)
            }
            ended.push(call(work).then(noted, noted))
          }
          await clock.settle()
          expect(breaker.snapshot().parked).toBeLessThanOrEqual(maxParked)
        }
        await clock.runToRest()
        await Promise.all(ended)
        expect(Math.max(0, ...waits)).toBeLessThanOrEqual(600)
      }),
      { numRuns: 100 },
    )
  })
})

describe('circuits of keys', () => {
  it('are never more than maxKeys, and never refuse a key that has not failed', () => {
    const step = fc.record({
      key: fc.integer({ min: 0, max: 9 }),
      outcome: fc.constantFrom('succeed' as const, 'fail' as const, 'ignore' as const),
      ms: fc.constantFrom(0, 1, 400),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), fc.integer({ min: 1, max: 4 }), (steps, maxKeys) => {
        const { clock, breaker } = setUp({ maxKeys, failureThreshold: 2, keysToOpen: 8 })
        for (const { key, outcome, ms } of steps) {
          clock.block(ms)
          // The last five keys are well.
          const verdict = key >= 5 ? 'succeed' : outcome
          if (key >= 5 && breaker.state === 'CLOSED') breaker.tryEnter(`${key}`)[verdict]()
          else {
            try {
              breaker.tryEnter(`${key}`)[verdict]()
            } catch (error) {
              expect(error).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
            }
          }
          expect(Object.keys(breaker.snapshot().keys).length).toBeLessThanOrEqual(maxKeys)
          expect(breaker.state).toBe('CLOSED')
        }
      }),
      { numRuns: 100 },
    )
  })

  it('one bad symbol does not close the provider', async () => {
    const { clock, breaker, call, trip } = setUp({ maxKeys: 100 })
    trip('TSLA')
    expect(breaker.snapshot()).toMatchObject({ state: 'CLOSED', keys: { TSLA: 'OPEN' } })
    expect(await rejection(call(() => 1, 'TSLA'))).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN', service: 'alpaca' })
    expect(await call(() => 1, 'AAPL')).toBe(1)
    await clock.advance(1_000)
    expect(await call(() => 1, 'TSLA')).toBe(1)
    expect(breaker.snapshot().keys).toEqual({ TSLA: 'CLOSED' })
    for (let success = 0; success < 20; success++) await call(() => 1, 'TSLA')
    expect(breaker.snapshot().keys).toEqual({})
  })

  it('several bad ones in a row do, and their own circuits are forgotten', () => {
    const { breaker } = setUp({ maxKeys: 100, keysToOpen: 3 })
    const fail = (key: string): void => breaker.tryEnter(key).fail(networkError('ECONNRESET'))
    for (const key of ['A', 'B', 'A', 'B']) fail(key)
    expect(breaker.state).toBe('CLOSED')
    fail('C')
    expect(breaker.snapshot()).toMatchObject({ state: 'OPEN', keys: {} })
  })

  it('are so many at most, however many keys fail', () => {
    const { breaker } = setUp({ maxKeys: 10, failureThreshold: 5_000 })
    for (let key = 0; key < 1_000; key++) breaker.tryEnter(`symbol-${key}`).fail(networkError('ECONNRESET'))
    expect(Object.keys(breaker.snapshot().keys)).toHaveLength(10)
  })

  it('that have failed longest ago are forgotten first', () => {
    const { breaker } = setUp({ maxKeys: 2, failureThreshold: 2, keysToOpen: 100 })
    const fail = (key: string): void => breaker.tryEnter(key).fail(networkError('ECONNRESET'))
    for (const key of ['TSLA', 'AAPL', 'TSLA', 'MSFT']) fail(key)
    expect(breaker.snapshot().keys).toEqual({ TSLA: 'OPEN', MSFT: 'CLOSED' })
  })

  it('do not learn from calls that began before their last change', async () => {
    const { breaker, clock } = setUp({ maxKeys: 10 })
    const old = breaker.tryEnter('TSLA')
    for (let failure = 0; failure < 3; failure++) breaker.tryEnter('TSLA').fail(networkError('ECONNRESET'))
    await clock.advance(1_000)
    breaker.tryEnter('TSLA').succeed()
    const failuresBefore = breaker.failureCount
    old.fail(networkError('ECONNRESET'))
    expect(breaker.snapshot().keys).toEqual({ TSLA: 'CLOSED' })
    expect(breaker.failureCount).toBe(failuresBefore)
  })
})

describe('a probe of the user’s choosing', () => {
  it('is called in the place of the call, so that no order is ever the probe', async () => {
    let probes = 0
    const { clock, breaker, call, trip } = setUp({ probe: () => ++probes > 1 || Promise.reject(statusError(503)) })
    trip()
    await clock.advance(250)
    let orders = 0
    expect(await rejection(call(() => ++orders))).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    await clock.settle()
    expect([probes, orders, breaker.state]).toEqual([1, 0, 'OPEN'])
    await clock.advance(500)
    await rejection(call(() => ++orders))
    await clock.settle()
    expect([probes, orders, breaker.state]).toEqual([2, 0, 'CLOSED'])
    expect(await call(() => ++orders)).toBe(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('is told whose circuit it is: a well service closes no circuit of a bad key', async () => {
    const asked: (string | undefined)[] = []
    const probe = ({ key }: ProbeCall): unknown => {
      asked.push(key)
      return key === 'TSLA' ? Promise.reject(statusError(503)) : true
    }
    const { clock, breaker, trip } = setUp({ maxKeys: 10, probe })
    for (const key of ['TSLA', 'TSLA', 'TSLA']) breaker.tryEnter(key).fail(networkError('ECONNRESET'))
    await clock.advance(10_000)
    expect(() => breaker.tryEnter('TSLA')).toThrow(CircuitOpenError)
    await clock.settle()
    expect([asked, breaker.snapshot().keys]).toEqual([['TSLA'], { TSLA: 'OPEN' }])
    breaker.tryEnter().succeed()
    trip()
    await clock.advance(10_000)
    expect(() => breaker.tryEnter('TSLA')).toThrow(CircuitOpenError)
    await clock.settle()
    expect([asked, breaker.state]).toEqual([['TSLA', undefined], 'CLOSED'])
  })

  it('that never settles has failed when its lease ends, and is told by its signal', async () => {
    let aborted = false
    const { clock, breaker, call, trip } = setUp({
      probeTimeoutMs: 1_000,
      probe: ({ signal }) => {
        signal.addEventListener('abort', () => {
          aborted = true
        })
        return new Promise(() => undefined)
      },
    })
    trip()
    await clock.advance(250)
    await rejection(call(() => 1))
    expect(breaker.state).toBe('HALF_OPEN')
    await clock.advance(1_000)
    expect(aborted).toBe(true)
    await rejection(call(() => 1))
    expect(breaker.snapshot().totals.opened).toBe(2)
  })
})

describe('shadow mode', () => {
  it('lets everything through and counts what it would have refused', async () => {
    const { clock, breaker, call, trip } = setUp({ enforce: false })
    trip()
    for (let n = 0; n < 5; n++) expect(await call(() => n)).toBe(n)
    expect(breaker.snapshot()).toMatchObject({ state: 'OPEN', enforced: false, totals: { refused: 5 } })
    expect(breaker.wouldRefuseAt(clock.now())).toBe(false)
    await clock.advance(250)
    expect(await call(() => 1)).toBe(1)
    expect(breaker.state).toBe('CLOSED')
  })
})

describe('half-open', () => {
  it('never has more than maxProbes calls under way, whatever is done with keys, parking and time', async () => {
    const step = fc.oneof(
      fc.constant({ do: 'call' as const, key: undefined }),
      fc.record({ do: fc.constant('call' as const), key: fc.constantFrom('A', 'B', undefined) }),
      fc.record({ do: fc.constantFrom('succeed' as const, 'fail' as const), which: fc.nat(5) }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 100, 400, 400, 1_000, 31_000) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 3 }),
        fc.integer({ min: 0, max: 4 }),
        fc.boolean(),
        async (steps, maxProbes, maxParked, isDown) => {
          const { clock, breaker, call, trip } = setUp({ maxProbes, maxParked, maxKeys: 2 })
          if (isDown) trip()
          const running: PromiseWithResolvers<void>[] = []
          const results: Promise<unknown>[] = []
          /** Calls that began in the present state and have not ended. */
          const begun = new Set<PromiseWithResolvers<void>>()
          breaker.onStateChange(() => begun.clear())
          let probing = 0
          for (const each of steps) {
            if (each.do === 'call') {
              const own = Promise.withResolvers<void>()
              results.push(
                call(() => {
                  running.push(own)
                  begun.add(own)
                  return own.promise.finally(() => begun.delete(own))
                }, each.key).catch(() => undefined),
              )
            } else if (each.do === 'advance') {
              await clock.advance(each.ms)
            } else {
              const [one] = running.splice(each.which % Math.max(1, running.length), 1)
              if (each.do === 'succeed') one?.resolve()
              else one?.reject(networkError('ECONNRESET'))
            }
            await clock.settle()
            probing = breaker.snapshot().probes
            expect(probing).toBeLessThanOrEqual(maxProbes)
            if (breaker.state === 'HALF_OPEN') expect(begun.size).toBeLessThanOrEqual(maxProbes)
            else expect(probing).toBe(0)
          }
          // Nobody calls any more, and nobody operates: whoever waits is answered all the same.
          for (let round = 0; round < 10; round++) {
            for (const one of running.splice(0)) one.reject(networkError('ECONNRESET'))
            await clock.runToRest()
          }
          await Promise.all(results)
          expect(breaker.snapshot()).toMatchObject({ parked: 0 })
        },
      ),
      { numRuns: 200 },
    )
  })
})
