import { seededRandom, VirtualClock } from '@holdfast/testing'
import { createResilience, PROFILES, type ResilienceEvent, type ResilienceOptions } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { collectReports, networkError, rejection } from '../support.ts'

function resilienceWith(options: ResilienceOptions = {}) {
  const clock = new VirtualClock()
  return { clock, resilience: createResilience({ clock, random: seededRandom(1), ...options }) }
}

describe('the profiles', () => {
  it('are strict for brokers, moderate for data, relaxed inside', () => {
    expect(PROFILES.BROKER).toEqual({
      timeoutMs: 15_000,
      attemptTimeoutMs: 5_000,
      circuitBreaker: {
        failureThreshold: 3,
        streakProbability: 1e-6,
        recoveryTimeoutMs: 15_000,
        probeShare: 0.04,
        minProbeIntervalMs: 250,
        maxProbes: 1,
        criticalProbes: true,
        parkingMs: 600,
        maxKeys: 1_000,
      },
      retryBudget: { capacity: 20 },
      retry: { maxRetries: 2, baseDelayMs: 250, maxDelayMs: 5_000, assumeIdempotent: false },
      rateLimiter: { tokensPerSecond: 3, burstSize: 10, criticalShare: 0.2 },
      bulkhead: { maxConcurrent: 5, maxQueue: 20, acquireTimeoutMs: 1_000, criticalShare: 0.2 },
    })
    expect(PROFILES.DATA_PROVIDER).toMatchObject({
      circuitBreaker: { failureThreshold: 5, recoveryTimeoutMs: 30_000 },
      retry: { maxRetries: 3, baseDelayMs: 1_000, maxDelayMs: 60_000 },
    })
    expect(PROFILES.INTERNAL).toMatchObject({
      circuitBreaker: { failureThreshold: 10, recoveryTimeoutMs: 5_000 },
      retry: { maxRetries: 5, baseDelayMs: 150, maxDelayMs: 2_000, jitter: 'equal' },
      bulkhead: { maxConcurrent: 50, maxQueue: 2_000, acquireTimeoutMs: 5_000 },
    })
  })
})

describe('the settings of a service', () => {
  it('come from its profile, then the defaults, then its own, field by field', () => {
    const { resilience } = resilienceWith({
      defaults: { circuitBreaker: { failureThreshold: 7 }, bulkhead: { maxQueue: 9 } },
      services: {
        alpaca: { profile: 'BROKER', circuitBreaker: { recoveryTimeoutMs: 1_000 }, bulkhead: { maxQueue: 3 } },
      },
    })
    const { circuitBreaker, bulkhead, rateLimiter, profile } = resilience.service('alpaca')
    expect(profile).toBe('BROKER')
    expect(circuitBreaker?.snapshot().failureThreshold).toBe(7)
    circuitBreaker?.tryEnter()
    expect(bulkhead).toMatchObject({ maxConcurrent: 5, maxQueue: 3 })
    expect(rateLimiter?.snapshot()).toMatchObject({ tokensPerSecond: 3, burstSize: 10 })
    for (let failure = 0; failure < 7; failure++) circuitBreaker?.tryEnter().fail()
    expect(circuitBreaker?.retryAfterMs).toBe(1_000)
  })

  it('start from the profile in the defaults where a service names none, configured or not', () => {
    const { resilience } = resilienceWith({
      defaults: { profile: 'BROKER' },
      services: { alpaca: {}, polygon: { profile: 'DATA_PROVIDER' } },
    })
    const profileOf = (name: string): string => resilience.service(name).profile
    expect(['alpaca', 'polygon', 'ledger'].map(profileOf)).toEqual(['BROKER', 'DATA_PROVIDER', 'BROKER'])
  })

  it('are never those of a profile that nobody chose', () => {
    const services = { alpaca: { profile: 'BROKER' }, polygon: { profile: 'DATA_PROVIDER' } }
    const { resilience } = resilienceWith({ services })
    const help = 'Add it to services with a profile, or set defaults.profile for all that are not there'
    const refusal = (name: string, says: string) =>
      expect(() => resilience.service(name)).toThrow(
        `service name is "${name}": no such service is configured; ${says} ${help}`,
      )
    refusal('alpcaa', 'did you mean alpaca?')
    refusal('ledger', 'configured are alpaca, polygon.')
    expect(resilience.services.map(({ name }) => name)).toEqual(['alpaca', 'polygon'])
    expect(() => resilienceWith().resilience.service('ledger')).toThrow('configured are none. ')
    expect(() => resilienceWith({ services: { ledger: { retry: false } } })).toThrow(
      'services.ledger.profile is undefined: a service needs a profile, its own or defaults.profile; known are BROKER, DATA_PROVIDER, INTERNAL',
    )
  })

  it('can leave a pattern out', () => {
    const { resilience } = resilienceWith({
      services: { fred: { profile: 'DATA_PROVIDER', rateLimiter: false, circuitBreaker: false } },
    })
    const service = resilience.service('fred')
    expect(service.rateLimiter).toBeUndefined()
    expect(service.snapshot()).toMatchObject({
      circuitBreaker: null,
      rateLimiter: null,
      bulkhead: { maxConcurrent: 10 },
    })
  })

  it('merge a limit per client with the one for all', () => {
    const { resilience } = resilienceWith({
      defaults: { rateLimiter: { perClient: { tokensPerSecond: 1, burstSize: 4 } } },
      services: { alpaca: { profile: 'BROKER', rateLimiter: { perClient: { tokensPerSecond: 2 } } } },
    })
    const decision = resilience.service('alpaca').rateLimiter?.tryAcquire({ client: 'desk' })
    expect(decision).toMatchObject({ scope: 'client', limit: 4, remaining: 3 })
  })

  it('can start from a profile of one’s own, or from one that was changed', () => {
    const { resilience } = resilienceWith({
      profiles: { FEED: { bulkhead: { maxConcurrent: 2 } }, BROKER: { circuitBreaker: { failureThreshold: 9 } } },
      services: { feed: { profile: 'FEED' }, alpaca: { profile: 'BROKER' } },
    })
    expect(resilience.service('feed').snapshot()).toMatchObject({
      profile: 'FEED',
      circuitBreaker: null,
      bulkhead: { maxConcurrent: 2 },
    })
    expect(resilience.service('alpaca').circuitBreaker?.snapshot().failureThreshold).toBe(9)
    expect(PROFILES.BROKER.circuitBreaker).toMatchObject({ failureThreshold: 3 })
  })

  it('say where each value comes from', () => {
    const { resilience } = resilienceWith({
      defaults: { circuitBreaker: { failureThreshold: 7 }, bulkhead: false, timeoutMs: 9_000 },
      services: {
        alpaca: {
          profile: 'BROKER',
          retry: false,
          bulkhead: { maxQueue: 3 },
          rateLimiter: { perClient: { tokensPerSecond: 2 } },
        },
      },
    })
    expect(resilience.service('alpaca').settings).toEqual([
      { path: 'attemptTimeoutMs', value: 5_000, from: 'profile' },
      { path: 'bulkhead.maxQueue', value: 3, from: 'service' },
      { path: 'circuitBreaker.criticalProbes', value: true, from: 'profile' },
      { path: 'circuitBreaker.failureThreshold', value: 7, from: 'defaults' },
      { path: 'circuitBreaker.maxKeys', value: 1_000, from: 'profile' },
      { path: 'circuitBreaker.maxProbes', value: 1, from: 'profile' },
      { path: 'circuitBreaker.minProbeIntervalMs', value: 250, from: 'profile' },
      { path: 'circuitBreaker.parkingMs', value: 600, from: 'profile' },
      { path: 'circuitBreaker.probeShare', value: 0.04, from: 'profile' },
      { path: 'circuitBreaker.recoveryTimeoutMs', value: 15_000, from: 'profile' },
      { path: 'circuitBreaker.streakProbability', value: 1e-6, from: 'profile' },
      { path: 'rateLimiter.burstSize', value: 10, from: 'profile' },
      { path: 'rateLimiter.criticalShare', value: 0.2, from: 'profile' },
      { path: 'rateLimiter.perClient.tokensPerSecond', value: 2, from: 'service' },
      { path: 'rateLimiter.tokensPerSecond', value: 3, from: 'profile' },
      { path: 'retry', value: false, from: 'service' },
      { path: 'retryBudget.capacity', value: 20, from: 'profile' },
      { path: 'timeoutMs', value: 9_000, from: 'defaults' },
    ])
  })

  it('are those of the name: the same name gives the same service', () => {
    const { resilience } = resilienceWith({ services: { alpaca: { profile: 'BROKER' } } })
    expect(resilience.service('alpaca')).toBe(resilience.service('alpaca'))
  })
})

describe('a service', () => {
  it('does not repeat an order that may have arrived, but a read', async () => {
    const { clock, resilience } = resilienceWith({ services: { alpaca: { profile: 'BROKER' } } })
    const alpaca = resilience.service('alpaca')
    let calls = 0
    const broken = async (): Promise<never> => {
      calls++
      throw networkError('ECONNRESET')
    }
    await rejection(alpaca.execute(broken))
    expect(calls).toBe(1)
    const read = rejection(alpaca.execute(broken, { idempotent: true }))
    await clock.runToRest()
    await read
    expect(calls).toBe(3)
  })

  it('tells those who wait for a slot when its circuit opens, a critical call among them that goes on waiting', async () => {
    const { clock, resilience } = resilienceWith({
      services: { alpaca: { profile: 'BROKER', rateLimiter: false, bulkhead: { maxConcurrent: 1, criticalShare: 0 } } },
    })
    const alpaca = resilience.service('alpaca')
    const changes: string[] = []
    alpaca.circuitBreaker?.onStateChange(({ to }) => changes.push(to))
    const running = Promise.withResolvers<void>()
    const first = alpaca.execute(() => running.promise)
    const cancel = alpaca.execute(() => 'cancelled', { priority: 'critical' })
    const order = rejection(alpaca.execute(() => 'ordered'))
    alpaca.circuitBreaker?.tryEnter().fail(networkError('ECONNRESET'))
    alpaca.circuitBreaker?.tryEnter().fail(networkError('ECONNRESET'))
    alpaca.circuitBreaker?.tryEnter().fail(networkError('ECONNRESET'))
    await clock.settle()
    expect(alpaca.snapshot().bulkhead?.queued).toBe(1)
    expect(changes).toEqual(['OPEN'])
    expect(await order).toMatchObject({ code: 'HOLDFAST_CIRCUIT_OPEN' })
    running.resolve()
    await first
    expect(await cancel).toBe('cancelled')
    expect(changes).toEqual(['OPEN', 'HALF_OPEN', 'CLOSED'])
  })

  it('wraps functions', async () => {
    const { resilience } = resilienceWith({ services: { ledger: { profile: 'INTERNAL' } } })
    const double = resilience.service('ledger').wrap(async (n: number) => n * 2)
    expect(await double(4)).toBe(8)
  })

  it('writes its retries to the platform’s logger', async () => {
    const records: object[] = []
    const write = (record: object): void => {
      records.push(record)
    }
    const logger = { debug: write, info: write, warn: write, error: write }
    const { clock, resilience } = resilienceWith({ logger, services: { ledger: { profile: 'INTERNAL' } } })
    const result = resilience
      .service('ledger')
      .execute(({ attempt }) => (attempt === 1 ? Promise.reject(networkError('ECONNRESET')) : 1), { operation: 'post' })
    await clock.runToRest()
    await result
    expect(records).toMatchObject([
      { event: 'retry', service: 'ledger', operation: 'post', attempt: 1, errorCode: 'ECONNRESET' },
    ])
  })
})

describe('events', () => {
  it('tell of circuits, retries, refusals and timeouts as plain objects', async () => {
    const events: ResilienceEvent[] = []
    const { clock, resilience } = resilienceWith({
      services: {
        alpaca: {
          profile: 'BROKER',
          attemptTimeoutMs: 100,
          circuitBreaker: { failureThreshold: 2 },
          retry: { jitter: 'none' },
        },
      },
    })
    const off = resilience.events.subscribe((event) => events.push(event))
    const alpaca = resilience.service('alpaca')
    const result = rejection(
      alpaca.execute(() => new Promise(() => undefined), { operation: 'getAccount', idempotent: true }),
    )
    await clock.advance(450)
    await result
    await rejection(alpaca.execute(() => 1, { operation: 'getAccount' }))
    const common = { service: 'alpaca', operation: 'getAccount' }
    const start = Date.UTC(2026, 0, 5, 14, 30)
    expect(events).toMatchObject([
      { type: 'timeout', scope: 'attempt', timeoutMs: 100, attempt: 1, at: start + 100, ...common },
      { type: 'retry', attempt: 1, delayMs: 250, errorCode: 'HOLDFAST_TIMEOUT', ...common },
      { type: 'timeout', attempt: 2, at: start + 450, ...common },
      { type: 'circuit', name: 'alpaca', from: 'CLOSED', to: 'OPEN', reason: 'failure-threshold', at: start + 450 },
      {
        type: 'refused',
        code: 'HOLDFAST_CIRCUIT_OPEN',
        message: expect.stringContaining('circuit is open after 2 failures in a row'),
        retryAfterMs: 15_000,
        ...common,
      },
    ])
    off()
    alpaca.circuitBreaker?.reset()
    expect(events).toHaveLength(5)
  })

  it('do no harm when a listener throws', async () => {
    const { reports, onHookError } = collectReports()
    const { resilience } = resilienceWith({ onHookError, services: { ledger: { profile: 'INTERNAL' } } })
    resilience.events.subscribe(() => {
      throw new Error('oops')
    })
    resilience.service('ledger').circuitBreaker?.trip()
    expect(reports).toMatchObject([[{ message: 'oops' }, 'events listener']])
  })
})

describe('the snapshot', () => {
  it('is plain data of all services', async () => {
    const { clock, resilience } = resilienceWith({
      services: { alpaca: { profile: 'BROKER' }, polygon: { profile: 'DATA_PROVIDER' } },
    })
    await resilience.service('alpaca').execute(() => 1)
    const snapshot = resilience.snapshot()
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
    expect(snapshot.at).toBe(clock.wallTime())
    expect(snapshot.services.alpaca).toMatchObject({
      profile: 'BROKER',
      circuitBreaker: { state: 'CLOSED' },
      rateLimiter: { remaining: 9 },
      bulkhead: { active: 0 },
      calls: { started: 1, succeeded: 1, inFlight: 0 },
    })
    expect(Object.keys(snapshot.services)).toEqual(['alpaca', 'polygon'])
  })
})
