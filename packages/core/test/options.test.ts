import {
  AdaptiveLimit,
  Bulkhead,
  bulkhead,
  CircuitBreaker,
  CircuitBreakerRegistry,
  circuitBreaker,
  createResilience,
  fallback,
  hedge,
  InvalidOptionError,
  pipeline,
  RateLimiter,
  rateLimited,
  retry,
  retrySync,
  retryWithBackoff,
  SingleFlight,
  timeout,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection } from './support.ts'

/** Options that the compiler would not let through, as a caller in JavaScript may write them. */
const loose = (options: Readonly<Record<string, unknown>>): ReturnType<typeof JSON.parse> => options

const constructors: readonly (readonly [
  string,
  string,
  (options: ReturnType<typeof loose>) => unknown,
  readonly string[],
  readonly string[],
])[] = [
  [
    'CircuitBreaker',
    'circuitBreaker',
    (options) => new CircuitBreaker('a', options),
    ['failureThreshold', 'maxProbes', 'successThreshold', 'windowCalls', 'minimumCalls'],
    ['recoveryTimeoutMs', 'probeTimeoutMs', 'slowCallMs'],
  ],
  ['Bulkhead', 'bulkhead', (options) => new Bulkhead(options), ['maxConcurrent'], []],
  ['retrySync', 'retry', (options) => retrySync(() => 1, options), [], []],
]

const thrownBy = (run: () => unknown): unknown => {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe.each(constructors)('%s', (_name, path, make, wholeFromOne, durationsFromOne) => {
  const cases = [
    ...wholeFromOne.flatMap((field) =>
      [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5', null].map((value) => [field, value] as const),
    ),
    ...durationsFromOne.flatMap((field) =>
      [0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '5 s', null].map((value) => [field, value] as const),
    ),
    ['noSuchOption', 1] as const,
  ]
  it.each(cases)('refuses %s = %s, naming field, value and rule', (field, value) => {
    const error = thrownBy(() => make(loose({ [field]: value })))
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error).toMatchObject({ code: 'HOLDFAST_INVALID_OPTION', field: `${path}.${field}`, value })
    expect(String(error)).toMatch(/: it must be|: there is no such option/)
  })

  it('takes undefined for absent', () => {
    const fields = [...wholeFromOne, ...durationsFromOne]
    expect(thrownBy(() => make(loose(Object.fromEntries(fields.map((field) => [field, undefined])))))).toBeUndefined()
  })
})

const fail = (): never => {
  throw new Error('it was called')
}

describe('other numbers', () => {
  it.each([
    ['bulkhead.maxQueue', () => new Bulkhead({ maxQueue: -1 })],
    ['bulkhead.acquireTimeoutMs', () => new Bulkhead({ acquireTimeoutMs: Number.NaN })],
    ['retry.maxRetries', () => retrySync(() => 1, { maxRetries: -1 })],
    ['retry.maxRetries', () => retrySync(() => 1, { maxRetries: 1.5 })],
    ['retry.baseDelayMs', () => retrySync(() => 1, { baseDelayMs: Number.NaN })],
    ['retry.maxDelayMs', () => retrySync(() => 1, { maxDelayMs: -1 })],
    ['retry.maxElapsedMs', () => retrySync(() => 1, { maxElapsedMs: Number.POSITIVE_INFINITY })],
    ['retry.jitter', () => retrySync(() => 1, loose({ jitter: 'some' }))],
    ['retry.retryOn', () => retrySync(() => 1, loose({ retryOn: 'ECONNRESET' }))],
    ['retry.retryOn', () => retrySync(() => 1, { retryOn: [7] })],
    ['rateLimiter.tokensPerSecond', () => new RateLimiter({})],
    ['rateLimiter.tokensPerSecond', () => new RateLimiter({ burstSize: 5 })],
    ['rateLimiter.tokensPerSecond', () => new RateLimiter({ tokensPerSecond: 0 })],
    ['rateLimiter.tokensPerSecond', () => new RateLimiter({ tokensPerSecond: Number.NaN })],
    ['rateLimiter.tokensPerSecond', () => new RateLimiter({ tokensPerSecond: Number.POSITIVE_INFINITY })],
    ['rateLimiter.burstSize', () => new RateLimiter({ tokensPerSecond: 1, burstSize: 0.5 })],
    ['rateLimiter.perClient.tokensPerSecond', () => new RateLimiter({ perClient: { tokensPerSecond: -1 } })],
    ['rateLimiter.perClient.tokensPerSecond', () => new RateLimiter({ perClient: loose({}) })],
    ['rateLimiter.perClient.burst', () => new RateLimiter({ perClient: loose({ tokensPerSecond: 1, burst: 5 }) })],
    ['rateLimiter.maxClients', () => new RateLimiter({ tokensPerSecond: 1, maxClients: 0 })],
    ['rateLimiter.maxWaitMs', () => new RateLimiter({ tokensPerSecond: 1, maxWaitMs: -1 })],
    ['pipeline.timeoutMs', () => pipeline({ timeoutMs: 0 })],
    ['pipeline.attemptTimeoutMs', () => pipeline({ attemptTimeoutMs: 2 ** 31 })],
    ['pipeline.retry.maxRetries', () => pipeline({ retry: { maxRetries: -1 } })],
    ['pipeline.circuitBreaker', () => pipeline(loose({ circuitBreaker: 5 }))],
    // Options in place of what is made from them.
    ['pipeline.circuitBreaker', () => pipeline(loose({ circuitBreaker: { failureThreshold: 5 } }))],
    ['pipeline.rateLimiter', () => pipeline(loose({ rateLimiter: { tokensPerSecond: 3 } }))],
    ['pipeline.bulkhead', () => pipeline(loose({ bulkhead: { maxConcurrent: 10 } }))],
    ['pipeline.retryBudget', () => pipeline(loose({ retryBudget: { capacity: 20 } }))],
    ['pipeline.throttle', () => pipeline(loose({ throttle: {} }))],
    ['pipeline.clock', () => pipeline(loose({ clock: { now: () => 0 } }))],
    ['rateLimiter.store', () => new RateLimiter(loose({ tokensPerSecond: 1, store: {} }))],
    ['resilience.logger', () => createResilience(loose({ logger: { info: () => {} } }))],
    ['resilience.fleet', () => createResilience(loose({ fleet: {} }))],
    // What each of them takes memory for.
    ['circuitBreaker.maxProbes', () => new CircuitBreaker('a', { maxProbes: 1_001 })],
    ['adaptiveLimit.minLimit', () => new AdaptiveLimit({ minLimit: 50, maxLimit: 10 })],
    ['pipeline.fallback.use', () => pipeline(loose({ fallback: {} }))],
    ['name', () => new CircuitBreaker('')],
    ['name', () => new CircuitBreaker('x'.repeat(201))],
    ['circuitBreaker.failureThreshold', () => new CircuitBreakerRegistry({ failureThreshold: 0 }).get('a')],
    ['circuitBreaker.isFailure', () => circuitBreaker('options test', loose({ isFailure: true }))],
    ['retry.maxRetries', () => retryWithBackoff({ maxRetries: -1 })],
    ['retry.maxRetries', () => retryWithBackoff({ maxRetries: -1, sync: true })],
    ['bulkhead.maxConcurrent', () => bulkhead({ maxConcurrent: 0 })],
    ['rateLimiter.tokensPerSecond', () => rateLimited({ tokensPerSecond: -1 })],
    ['pipeline.timeoutMs', () => timeout(-1)],
    [
      'services.alpaca.retry.maxRetries',
      () => createResilience({ services: { alpaca: { retry: { maxRetries: -1 } } } }),
    ],
    [
      'services.alpaca.retry.maxRetry',
      () => createResilience({ services: { alpaca: { retry: loose({ maxRetry: 5 }) } } }),
    ],
    [
      'services.alpaca.circuitBreaker.recoveryTimeoutMs',
      () => createResilience({ services: { alpaca: { circuitBreaker: loose({ recoveryTimeoutMs: '30s' }) } } }),
    ],
    [
      'services.alpaca.rateLimiter.perClient.burstSize',
      () =>
        createResilience({
          services: { alpaca: { rateLimiter: { perClient: { tokensPerSecond: 1, burstSize: 0 } } } },
        }),
    ],
    ['services.alpaca.bulkhead', () => createResilience({ services: { alpaca: loose({ bulkhead: 10 }) } })],
    ['services.alpaca.profile', () => createResilience({ services: { alpaca: { profile: 'BROKERS' } } })],
    ['services.alpaca.timeout', () => createResilience({ services: { alpaca: loose({ timeout: 5 }) } })],
    ['defaults.timeoutMs', () => createResilience({ defaults: { timeoutMs: -1 } })],
    ['defaults.profile', () => createResilience({ defaults: { profile: 'STRICT' } })],
    ['profiles.FEED.retry.maxRetries', () => createResilience({ profiles: { FEED: { retry: { maxRetries: 0.5 } } } })],
    ['resilience.service', () => createResilience(loose({ service: {} }))],
    ['profiles.FEED.profile', () => createResilience(loose({ profiles: { FEED: { profile: 'BROKER' } } }))],
    ['service name', () => createResilience().service('')],
  ] as const)('%s is named when it makes no sense', (field, run) => {
    const error = thrownBy(run)
    expect(error).toBeInstanceOf(InvalidOptionError)
    expect(error).toMatchObject({ field })
  })

  it('reject the promise of a function that is called once', async () => {
    expect(await rejection(retry(() => 1, { maxRetries: -1 }))).toMatchObject({ field: 'retry.maxRetries' })
    expect(await rejection(timeout(() => 1, 0))).toMatchObject({ field: 'pipeline.timeoutMs' })
    expect(await rejection(fallback(() => 1, loose({ use: 5 })))).toMatchObject({ field: 'pipeline.fallback.use' })
  })

  it.each([
    ['a pipeline', (signal: AbortSignal) => pipeline({}).execute(fail, { signal })],
    ['retry', (signal: AbortSignal) => retry(fail, { signal })],
    ['timeout', (signal: AbortSignal) => timeout(fail, 5, { signal })],
    ['hedge', (signal: AbortSignal) => hedge(fail, { delayMs: 1, signal })],
    ['fallback', (signal: AbortSignal) => fallback(fail, { use: () => 1 }, { signal })],
    ['a bulkhead', (signal: AbortSignal) => new Bulkhead().execute(fail, { signal })],
    ['acquire', (signal: AbortSignal) => new RateLimiter({ tokensPerSecond: 1 }).acquire({ signal })],
    ['single flight', (signal: AbortSignal) => new SingleFlight().run('key', fail, { signal })],
  ])('reject the promise of %s whose signal is none, and call nothing', async (_, call) => {
    for (const signal of [new AbortController(), {}, null]) {
      expect(await rejection(call(loose({ signal }).signal))).toMatchObject({
        code: 'HOLDFAST_INVALID_OPTION',
        field: 'signal',
        value: signal,
        rule: 'it must be an AbortSignal',
      })
    }
  })

  it('count no call whose signal is none', async () => {
    const guarded = pipeline({ timeoutMs: 5_000 })
    await rejection(guarded.execute(fail, loose({ signal: new AbortController() })))
    expect(guarded.totals).toMatchObject({ started: 0, failed: 0, inFlight: 0 })
  })

  it('come with the option that was probably meant', () => {
    const message = (options: Readonly<Record<string, unknown>>): string =>
      String(thrownBy(() => new CircuitBreaker('a', loose(options))))
    expect(message({ recoveryTimeout: 5 })).toContain('did you mean recoveryTimeoutMs?')
    expect(message({ failuresThreshold: 5 })).toContain('did you mean failureThreshold?')
    expect(message({ xyzzy: 5 })).toContain('known are failureThreshold, ')
  })
})
