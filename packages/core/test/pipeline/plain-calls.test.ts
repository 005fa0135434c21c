/** Calls without options go a short way. That is only right when nobody can tell the difference. */
import { seededRandom, VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { Bulkhead, CircuitBreaker, type Pipeline, pipeline, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, networkError, rejection, statusError } from '../support.ts'

type Ending = 'returns' | 'resolves' | 'rejects' | 'is refused for good' | 'throws at once' | 'settles twice'

type Step =
  | { readonly do: 'call'; readonly first: Ending; readonly second: Ending }
  | { readonly do: 'settle'; readonly which: number }
  | { readonly do: 'wait' | 'block'; readonly ms: number }
  | { readonly do: 'trip' | 'reset' | 'disable' | 'ramp' }
  | { readonly do: 'trip from inside'; readonly first: Ending }

const ending = fc.constantFrom<Ending>(
  'returns',
  'resolves',
  'resolves',
  'rejects',
  'rejects',
  'is refused for good',
  'throws at once',
  'settles twice',
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ do: fc.constant('call' as const), first: ending, second: ending }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('settle' as const), which: fc.nat(20) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 400 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('trip' as const, 'reset' as const, 'disable' as const, 'ramp' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trip from inside' as const), first: ending }) },
)

/** Which patterns there are, and how they are set. */
const parts = fc.record({
  retry: fc.boolean(),
  fallback: fc.boolean(),
  limiter: fc.boolean(),
  bulkhead: fc.constantFrom('none' as const, 'queues' as const, 'refuses' as const),
  circuit: fc.constantFrom(
    'none' as const,
    'streak' as const,
    'rate' as const,
    'time window' as const,
    'keys' as const,
    'judges results' as const,
  ),
})

type Parts = typeof parts extends fc.Arbitrary<infer P> ? P : never

/** A pipeline in a world of its own, and everything that can be seen of it. */
function setUp(
  { retry, fallback, limiter, bulkhead: slots, circuit }: Parts,
  options: Record<string, never> | undefined,
) {
  const clock = new VirtualClock()
  const random = seededRandom(7)
  const log: unknown[] = []
  const onStateChange = ({ from, to, reason }: { from: string; to: string; reason: string }): void => {
    log.push([clock.now(), from, to, reason])
  }
  const circuitBreaker =
    circuit === 'none'
      ? undefined
      : new CircuitBreaker('alpaca', {
          failureThreshold: 3,
          recoveryTimeoutMs: 300,
          minProbeIntervalMs: 50,
          ...(circuit === 'rate' && { failureRate: 0.5, windowCalls: 6, minimumCalls: 4 }),
          ...(circuit === 'time window' && { failureRate: 0.5, windowMs: 500, minimumCalls: 4 }),
          ...(circuit === 'keys' && { maxKeys: 4 }),
          ...(circuit === 'judges results' && { isFailureResult: (value: unknown) => value === 'late value' }),
          onStateChange,
          clock,
          random,
        })
  const rateLimiter = limiter
    ? new RateLimiter({ tokensPerSecond: 10, burstSize: 2, maxWaitMs: 250, clock })
    : undefined
  const bulkhead =
    slots === 'none'
      ? undefined
      : new Bulkhead({ maxConcurrent: 3, maxQueue: slots === 'queues' ? 3 : 0, acquireTimeoutMs: 200, clock })
  const guarded: Pipeline<string> = pipeline({
    ...(retry && { retry: { maxRetries: 1, baseDelayMs: 100, maxDelayMs: 100, assumeIdempotent: true } }),
    ...(fallback && { fallback: { use: () => 'instead' } }),
    circuitBreaker,
    rateLimiter,
    bulkhead,
    clock,
    random,
  })
  const open: {
    readonly resolve: (value: string) => void
    readonly reject: (error: unknown) => void
    fails: boolean
  }[] = []
  const end = (kind: Ending, number: number): unknown => {
    if (kind === 'returns') return `value ${number}`
    if (kind === 'throws at once') throw networkError('ECONNREFUSED')
    if (kind === 'is refused for good') return Promise.reject(statusError(404))
    const { promise, resolve, reject } = deferred<string>()
    open.push({ resolve, reject, fails: kind === 'rejects' })
    if (kind !== 'settles twice') return promise
    const settleTwice = (fulfil: (value: unknown) => void, fail: (error: unknown) => void): void => {
      fulfil(`thenable ${number}`)
      fail(networkError('ECONNRESET'))
    }
    return Object.fromEntries([['then', settleTwice]])
  }
  let calls = 0
  const call = (kinds: readonly Ending[], before: () => void = () => {}): void => {
    const number = calls++
    const answer = guarded.execute((own) => {
      const { attempt, service, operation, signal } = own
      before()
      log.push(['attempt', number, attempt, service, operation, own.remainingMs(), signal.aborted])
      return end(kinds[attempt - 1] ?? 'returns', number)
    }, options)
    answer.then(
      (value) => log.push([clock.now(), number, 'value', value]),
      (error: Error) => log.push([clock.now(), number, error.name, error.message]),
    )
  }
  const run = async (step: Step): Promise<void> => {
    if (step.do === 'call') call([step.first, step.second])
    else if (step.do === 'trip from inside') call([step.first], () => circuitBreaker?.trip())
    else if (step.do === 'wait') await clock.advance(step.ms)
    // Time that passes while no timer can be kept: what comes next is a call before those who wait.
    else if (step.do === 'block') clock.block(step.ms)
    else if (step.do === 'ramp') bulkhead?.ramp()
    else if (step.do === 'settle') {
      const [one] = open.splice(step.which % Math.max(1, open.length), 1)
      if (one?.fails) one.reject(networkError('ECONNRESET'))
      else one?.resolve('late value')
    } else circuitBreaker?.[step.do]()
    if (step.do !== 'block') await clock.advance(0)
    log.push([guarded.totals, circuitBreaker?.snapshot(), bulkhead?.snapshot(), rateLimiter?.snapshot()])
  }
  return { run, log, open, guarded, bulkhead }
}

describe('a call without options', () => {
  it('cannot be told from one with options that say nothing', async () => {
    await fc.assert(
      fc.asyncProperty(parts, fc.array(step, { maxLength: 40 }), async (chosen, steps) => {
        const short = setUp(chosen, undefined)
        const whole = setUp(chosen, {})
        for (const step of steps) {
          await short.run(step)
          await whole.run(step)
        }
        expect(short.log).toEqual(whole.log)
      }),
      { numRuns: 400 },
    )
  })

  it('gives back what it took, however many overlap', async () => {
    await fc.assert(
      fc.asyncProperty(parts, fc.array(step, { minLength: 10, maxLength: 60 }), async (chosen, steps) => {
        const { run, open, guarded, bulkhead } = setUp(chosen, undefined)
        for (const step of steps) await run(step)
        await run({ do: 'reset' })
        // A retry may open another that has to be settled.
        for (let round = 0; round < 200 && (open.length > 0 || guarded.totals.inFlight > 0); round++) {
          await run({ do: 'settle', which: 0 })
          await run({ do: 'wait', ms: 100 })
        }
        expect(guarded.totals.inFlight).toBe(0)
        expect(bulkhead?.snapshot().active ?? 0).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  it('counts only in the state of the circuit that let it through, though others share its record', async () => {
    const breaker = new CircuitBreaker('alpaca', { failureThreshold: 2, clock: new VirtualClock() })
    const [early, late] = [deferred(), deferred()]
    const failed = Promise.all([
      rejection(breaker.execute(() => early.promise)),
      rejection(breaker.execute(() => early.promise)),
    ])
    breaker.trip()
    breaker.reset()
    const running = breaker.execute(() => late.promise)
    early.reject(networkError('ECONNRESET'))
    await failed
    expect(breaker.failureCount).toBe(0)
    late.resolve()
    await running
    expect(breaker.snapshot().totals).toMatchObject({ successes: 1, failures: 0 })
  })

  it('does not overtake who waits for a token that is there by now', async () => {
    const clock = new VirtualClock()
    const limiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 1, clock })
    const order: string[] = []
    const call = (name: string): Promise<void> => limiter.execute(() => void order.push(name))
    const calls = [call('first'), call('second')]
    clock.block(1_000)
    calls.push(call('third'))
    expect(order).toEqual(['first', 'second'])
    await clock.advance(1_000)
    await Promise.all(calls)
  })

  it('that fails is not taken to have begun when another did whose record it gets', async () => {
    const clock = new VirtualClock()
    const timed = pipeline({ bulkhead: new Bulkhead({ clock }), timeoutMs: 1_000, clock })
    await Promise.all([1, 2, 3].map(() => timed.execute(() => Promise.resolve())))
    await clock.advance(60_000)
    const guarded = pipeline({ bulkhead: new Bulkhead({ clock }), clock })
    await Promise.all([1, 2, 3].map(() => rejection(guarded.execute(() => Promise.reject(statusError(503))))))
    expect(await guarded.execute(() => 'in time', { timeoutMs: 1_000 })).toBe('in time')
  })

  it('has a signal of its own that is always the same', async () => {
    const signals = new Set<AbortSignal>()
    const guarded = pipeline({})
    for (let call = 0; call < 2; call++) {
      await guarded.execute((own) => {
        signals.add(own.signal)
        signals.add(own.signal)
      })
    }
    expect(signals.size).toBe(2)
  })
})
