/** A million calls of every kind, drawn from a seed, through all patterns at once: what was taken is given back, what happened is counted. */
import { seededRandom, VirtualClock } from '@holdfast/testing'
import { Bulkhead, CircuitBreaker, isRejection, pipeline, RateLimiter, RetryBudget } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, statusError } from '../support.ts'
import { AnswersLater, WatchedSignals } from './world.ts'

const CALLS = 1_000_000
const CALLS_A_MS = 100
const SEED = 20_260_105

const ERRORS = [
  networkError('ECONNRESET'),
  networkError('ECONNREFUSED'),
  statusError(503),
  statusError(429),
  statusError(404),
]

/** The service lies down now and then, so that every state of the circuit is gone through many times. */
function isDown(now: number): boolean {
  return now % 1_000 > 800
}

function setUp() {
  const clock = new VirtualClock()
  const random = seededRandom(SEED)
  const world = new AnswersLater(clock)
  const circuitBreaker = new CircuitBreaker('alpaca', {
    failureThreshold: 10,
    failureRate: 0.6,
    slowCallMs: 20,
    slowCallRate: 0.9,
    recoveryTimeoutMs: 20,
    probeTimeoutMs: 50,
    maxProbes: 2,
    successThreshold: 2,
    maxParked: 5,
    parkingMs: 10,
    clock,
    random,
  })
  const rateLimiter = new RateLimiter({ tokensPerSecond: 90_000, burstSize: 200, maxWaitMs: 5, clock })
  const bulkhead = new Bulkhead({ maxConcurrent: 450, maxQueue: 50, acquireTimeoutMs: 5, clock })
  const guarded = pipeline({
    timeoutMs: 60,
    retry: { maxRetries: 2, baseDelayMs: 5, maxDelayMs: 20 },
    retryBudget: new RetryBudget(),
    circuitBreaker,
    rateLimiter,
    bulkhead,
    attemptTimeoutMs: 25,
    clock,
    random,
  })
  let attempts = 0
  const between = (least: number, most: number): number => least + Math.floor(random() * (most - least + 1))
  const draw = <T>(items: readonly T[]): T | undefined => items[Math.floor(random() * items.length)]
  const service = (): unknown => {
    attempts++
    const kind = random()
    const fails = isDown(clock.now()) ? kind < 0.9 : kind < 0.05
    if (kind < 0.01) throw draw(ERRORS)
    if (kind > 0.99) return world.twice(between(0, 3), attempts, draw(ERRORS))
    // Some come long after the limits of attempt and call, with good news or bad.
    const afterMs = kind > 0.96 ? between(20, 120) : between(0, 4)
    if (fails) return afterMs === 0 ? Promise.reject(draw(ERRORS)) : world.rejects(afterMs, draw(ERRORS))
    return afterMs === 0 ? attempts : world.resolves(afterMs, attempts)
  }
  return {
    clock,
    random,
    between,
    world,
    circuitBreaker,
    rateLimiter,
    bulkhead,
    guarded,
    service,
    attempts: () => attempts,
  }
}

describe('a million calls with faults, aborts and late answers', () => {
  it('keep every counter conserved, and leave no listener, timer or slot behind', { timeout: 120_000 }, async () => {
    const { clock, random, between, world, circuitBreaker, rateLimiter, bulkhead, guarded, service, attempts } = setUp()
    const signals = new WatchedSignals(clock)
    const seen = { succeeded: 0, failed: 0, refused: 0, cancelled: 0 }
    const count = (error: unknown): void => {
      if (error === signals.reason) seen.cancelled++
      else if (isRejection(error)) seen.refused++
      else seen.failed++
    }
    for (let call = 0; call < CALLS; ) {
      for (const end = call + CALLS_A_MS; call < end; call++) {
        const kind = random()
        const options = {
          idempotent: kind < 0.5,
          ...(kind > 0.9 ? { signal: signals.abortedAfter(between(0, 40)) } : {}),
          ...(kind < 0.02 ? { timeoutMs: 10 } : {}),
          ...(kind > 0.4 && kind < 0.45 ? { priority: 'critical' as const } : {}),
        }
        guarded.execute(service, options).then(() => seen.succeeded++, count)
      }
      signals.abortDue()
      world.answerDue()
      await clock.advance(1)
    }
    for (let rest = 0; rest < 3_000; rest++) {
      signals.abortDue()
      world.answerDue()
      await clock.advance(1)
    }

    const { totals } = guarded
    const { started, succeeded, failed, refused, cancelled } = totals
    expect({ succeeded, failed, refused, cancelled }, `seed ${SEED}`).toEqual(seen)
    expect(started).toBe(CALLS)
    expect(totals.inFlight).toBe(0)
    for (const part of [succeeded, failed, refused, cancelled, totals.retries, totals.timeouts]) {
      expect(part, JSON.stringify(totals)).toBeGreaterThan(1_000)
    }

    const slots = bulkhead.snapshot()
    expect(slots).toMatchObject({ active: 0, abandoned: 0, queued: 0 })
    expect(slots.totals.admitted).toBe(attempts())
    expect(rateLimiter.snapshot()).toMatchObject({ queued: 0, totals: { admitted: attempts() } })
    const circuit = circuitBreaker.snapshot()
    expect(circuit).toMatchObject({ probes: 0, parked: 0 })
    expect(circuit.totals.opened).toBeGreaterThan(50)
    expect(circuit.totals.successes + circuit.totals.failures + circuit.totals.neutral).toBeLessThanOrEqual(attempts())

    expect(signals.listeners).toBe(0)
    expect(world.waiting).toBe(0)
    expect(clock.pendingTimers).toBe(0)

    circuitBreaker.reset()
    await clock.advance(1_000)
    expect(await Promise.all(Array.from({ length: 200 }, () => guarded.execute(() => 'well')))).toHaveLength(200)
  })
})
