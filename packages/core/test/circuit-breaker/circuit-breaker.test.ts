import { VirtualClock } from '@holdfast/testing'
import { CircuitBreaker, type CircuitBreakerOptions, type CircuitChange, CircuitOpenError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { collectReports, deferred, networkError, rejection, statusError } from '../support.ts'

function breakerWith(options: CircuitBreakerOptions = {}) {
  const clock = new VirtualClock()
  const changes: CircuitChange[] = []
  const breaker = new CircuitBreaker('alpaca', { clock, ...options, onStateChange: (change) => changes.push(change) })
  const fail = (times = 1): void => {
    for (let i = 0; i < times; i++) breaker.tryEnter().fail(networkError('ECONNRESET'))
  }
  return { clock, breaker, changes, fail }
}

describe('a closed circuit', () => {
  it('passes on what the function returns and throws', async () => {
    const { breaker } = breakerWith()
    expect(await breaker.execute(() => 7)).toBe(7)
    const error = networkError('ECONNRESET')
    expect(await rejection(breaker.execute(() => Promise.reject(error)))).toBe(error)
  })

  it('opens after five failures in a row', () => {
    const { breaker, changes, fail } = breakerWith()
    fail(4)
    expect(breaker.state).toBe('CLOSED')
    fail()
    expect(breaker.state).toBe('OPEN')
    expect(changes).toMatchObject([{ name: 'alpaca', from: 'CLOSED', to: 'OPEN', reason: 'failure-threshold' }])
    expect(changes[0]?.error).toMatchObject({ code: 'ECONNRESET' })
    expect(changes[0]?.at).toBe(Date.UTC(2026, 0, 5, 14, 30))
  })

  it('begins to count anew after a success', () => {
    const { breaker, fail } = breakerWith({ failureThreshold: 3 })
    fail(2)
    breaker.tryEnter().succeed()
    fail(2)
    expect(breaker.state).toBe('CLOSED')
    expect(breaker.failureCount).toBe(2)
  })

  it('takes a 404 for an answer, a 429 and a cancellation for nothing, and a 500 and a timeout for failures', () => {
    const { breaker } = breakerWith()
    const failedAfter = (error: unknown): number => {
      breaker.reset()
      breaker.tryEnter().fail(statusError(500))
      breaker.tryEnter().fail(error)
      return breaker.failureCount
    }
    expect(failedAfter(statusError(404))).toBe(0)
    expect(failedAfter(statusError(429))).toBe(1)
    expect(failedAfter(new DOMException('given up', 'AbortError'))).toBe(1)
    expect(failedAfter(statusError(500))).toBe(2)
    expect(failedAfter(new DOMException('too late', 'TimeoutError'))).toBe(2)
    expect(failedAfter(undefined)).toBe(2)
  })

  it('asks the user what is a failure, but not about refusals and cancellations', () => {
    const asked: unknown[] = []
    const { breaker } = breakerWith({
      isFailure: (error) => {
        asked.push(error)
        return error instanceof Error && error.message === 'bad'
      },
    })
    breaker.tryEnter().fail(new Error('bad'))
    expect(breaker.failureCount).toBe(1)
    breaker.tryEnter().fail(new DOMException('given up', 'AbortError'))
    breaker.tryEnter().fail(new CircuitOpenError('of another', {}, 5))
    expect(breaker.failureCount).toBe(1)
    // Too fast is neither bad nor good: it does not end a streak.
    breaker.tryEnter().fail(statusError(429))
    expect(breaker.failureCount).toBe(1)
    breaker.tryEnter().fail(new Error('harmless'))
    expect(breaker.failureCount).toBe(0)
    expect(asked).toHaveLength(3)
  })

  it('takes a returned value for a failure when the user says so, and still returns it', async () => {
    const { breaker } = breakerWith({ failureThreshold: 1, isFailureResult: (value) => value === 503 })
    expect(await breaker.execute(() => 503)).toBe(503)
    expect(breaker.state).toBe('OPEN')
  })

  it('goes by its own idea when a predicate throws, and reports that', () => {
    const { reports, onHookError } = collectReports()
    const oops = new Error('oops')
    const { breaker } = breakerWith({
      onHookError,
      isFailure: () => {
        throw oops
      },
    })
    breaker.tryEnter().fail(networkError('ECONNRESET'))
    expect(breaker.failureCount).toBe(1)
    expect(reports).toEqual([[oops, 'isFailure']])
  })
})

describe('an open circuit', () => {
  it('refuses without calling the function, and says when to come back', async () => {
    const { breaker, clock, fail } = breakerWith({ failureThreshold: 1 })
    fail()
    await clock.advance(10_000)
    let called = false
    const error = await rejection(
      breaker.execute(
        () => {
          called = true
        },
        { operation: 'getAccount' },
      ),
    )
    expect(called).toBe(false)
    expect(error).toBeInstanceOf(CircuitOpenError)
    expect(error).toMatchObject({ service: 'alpaca', operation: 'getAccount', retryAfterMs: 20_000 })
    expect(String(error)).toContain('come back then')
    expect(breaker.nextAttemptAt).toBe(clock.wallTime() + 20_000)
  })

  it('becomes half-open on the first call after 30 s, not by itself', async () => {
    const { breaker, clock, fail } = breakerWith({ failureThreshold: 1 })
    fail()
    await clock.advance(29_999)
    expect(() => breaker.tryEnter()).toThrow(CircuitOpenError)
    await clock.advance(1)
    expect(breaker.state).toBe('OPEN')
    expect(breaker.retryAfterMs).toBe(0)
    breaker.tryEnter()
    expect(breaker.state).toBe('HALF_OPEN')
    expect(clock.pendingTimers).toBe(0)
  })

  it('tells the moment from which a probe is due, also when that has passed', async () => {
    const { breaker, clock, fail } = breakerWith({ failureThreshold: 1 })
    fail()
    const due = clock.wallTime() + 30_000
    await clock.advance(45_000)
    expect(breaker.nextAttemptAt).toBe(due)
  })

  it('keeps to the monotonic clock when the wall clock is set back', async () => {
    const { breaker, clock, fail } = breakerWith({ failureThreshold: 1 })
    fail()
    clock.stepWallTime(-3_600_000)
    await clock.advance(30_000)
    expect(() => breaker.tryEnter()).not.toThrow()
  })

  it('drops the outcome of a call that was admitted before it opened', () => {
    const { breaker, fail } = breakerWith({ failureThreshold: 1 })
    const early = breaker.tryEnter()
    fail()
    early.succeed()
    expect(breaker.state).toBe('OPEN')
    expect(breaker.snapshot().totals).toMatchObject({ successes: 0, failures: 1 })
  })
})

describe('a half-open circuit', () => {
  async function halfOpen(options: CircuitBreakerOptions = {}) {
    const subject = breakerWith({ failureThreshold: 1, ...options })
    subject.fail()
    await subject.clock.advance(30_000)
    return { ...subject, probe: subject.breaker.tryEnter() }
  }

  it('lets one probe through and refuses the others', async () => {
    const { breaker } = await halfOpen()
    expect(() => breaker.tryEnter()).toThrow('half-open')
    expect(breaker.snapshot()).toMatchObject({ state: 'HALF_OPEN', probes: 1 })
  })

  it('closes when the probe succeeds', async () => {
    const { breaker, probe, changes } = await halfOpen()
    probe.succeed()
    expect(breaker.state).toBe('CLOSED')
    expect(breaker.failureCount).toBe(0)
    expect(changes.map(({ reason }) => reason)).toEqual(['failure-threshold', 'recovery-timeout', 'probe-succeeded'])
  })

  it('opens again when the probe fails, for another 30 s', async () => {
    const { breaker, probe, clock, changes } = await halfOpen()
    await clock.advance(500)
    probe.fail(networkError('ECONNREFUSED'))
    expect(breaker.state).toBe('OPEN')
    expect(changes.at(-1)).toMatchObject({ reason: 'probe-failed', error: { code: 'ECONNREFUSED' } })
    expect(breaker.retryAfterMs).toBe(30_000)
  })

  it('gives the place of a probe that says nothing to the next', async () => {
    const { breaker, probe } = await halfOpen()
    probe.ignore()
    expect(breaker.state).toBe('HALF_OPEN')
    breaker.tryEnter().succeed()
    expect(breaker.state).toBe('CLOSED')
  })

  it('runs as many probes at a time as it may, and needs as many successes as it must', async () => {
    const { breaker, probe } = await halfOpen({ maxProbes: 2, successThreshold: 3 })
    const second = breaker.tryEnter()
    expect(() => breaker.tryEnter()).toThrow(CircuitOpenError)
    probe.succeed()
    second.succeed()
    expect(breaker.state).toBe('HALF_OPEN')
    breaker.tryEnter().succeed()
    expect(breaker.state).toBe('CLOSED')
  })

  it('is not wedged by a probe that never settles: it has failed when its lease ends', async () => {
    const { breaker, probe, clock, changes } = await halfOpen({ probeTimeoutMs: 5_000 })
    await clock.advance(4_999)
    expect(() => breaker.tryEnter()).toThrow('half-open')
    await clock.advance(1_001)
    // The lease ended a second ago: so long is the circuit open again.
    expect(() => breaker.tryEnter()).toThrow(CircuitOpenError)
    expect(changes.at(-1)).toMatchObject({ from: 'HALF_OPEN', to: 'OPEN', reason: 'probe-timed-out' })
    expect(breaker.retryAfterMs).toBe(29_000)
    probe.succeed()
    expect(breaker.state).toBe('OPEN')
    await clock.advance(29_000)
    breaker.tryEnter().succeed()
    expect(breaker.state).toBe('CLOSED')
  })

  it('does not take a success that comes after the lease', async () => {
    const { breaker, probe, clock } = await halfOpen({ probeTimeoutMs: 5_000 })
    await clock.advance(6_000)
    probe.succeed()
    expect(breaker.state).toBe('OPEN')
  })
})

describe('an operator', () => {
  it('trips it, with a note, until it is reset', async () => {
    const { breaker, clock, changes } = breakerWith()
    breaker.trip('maintenance')
    await clock.advance(3_600_000)
    const error = await rejection(breaker.execute(() => 1))
    expect(error).toMatchObject({ retryAfterMs: undefined })
    expect(String(error)).toContain('tripped by hand (maintenance); call reset()')
    expect(breaker.nextAttemptAt).toBeNull()
    expect(breaker.mode).toBe('tripped')
    breaker.reset()
    expect(await breaker.execute(() => 1)).toBe(1)
    expect(changes).toMatchObject([
      { to: 'OPEN', reason: 'tripped', note: 'maintenance' },
      { to: 'CLOSED', reason: 'reset' },
    ])
  })

  it('switches it off: everything is let through and nothing is counted until it is reset', () => {
    const { breaker, fail } = breakerWith({ failureThreshold: 1 })
    fail()
    breaker.disable()
    fail(10)
    expect(breaker.state).toBe('CLOSED')
    expect(breaker.snapshot()).toMatchObject({ mode: 'disabled', totals: { failures: 1 } })
    breaker.reset()
    fail()
    expect(breaker.state).toBe('OPEN')
  })

  it('resets it in the middle of a probe, whose outcome is then dropped', async () => {
    const { breaker, clock, fail } = breakerWith({ failureThreshold: 1 })
    fail()
    await clock.advance(30_000)
    const probe = breaker.tryEnter()
    breaker.reset()
    probe.fail()
    expect(breaker.state).toBe('CLOSED')
  })
})

describe('permits', () => {
  it('count once, whatever they are told afterwards', () => {
    const { breaker } = breakerWith()
    const permit = breaker.tryEnter()
    permit.fail()
    permit.fail()
    permit.succeed()
    expect(breaker.snapshot().totals).toMatchObject({ failures: 1, successes: 0 })
  })
})

describe('listeners', () => {
  it('are all told, in order, also of what one of them causes', () => {
    const { breaker, fail } = breakerWith({ failureThreshold: 1 })
    const first: string[] = []
    const second: string[] = []
    breaker.onStateChange(({ to }) => {
      first.push(to)
      if (to === 'OPEN') breaker.reset()
    })
    breaker.onStateChange(({ to }) => second.push(to))
    fail()
    expect(first).toEqual(['OPEN', 'CLOSED'])
    expect(second).toEqual(['OPEN', 'CLOSED'])
  })

  it('may throw without harm to the call or to other listeners', () => {
    const { reports, onHookError } = collectReports()
    const { breaker, fail, changes } = breakerWith({ failureThreshold: 1, onHookError })
    const told: string[] = []
    breaker.onStateChange(() => {
      throw new Error('oops')
    })
    breaker.onStateChange(({ to }) => told.push(to))
    fail()
    expect(told).toEqual(['OPEN'])
    expect(changes).toHaveLength(1)
    expect(reports).toMatchObject([[{ message: 'oops' }, 'onStateChange']])
  })

  it('can be taken back', () => {
    const { breaker, fail } = breakerWith({ failureThreshold: 1 })
    const told: string[] = []
    const off = breaker.onStateChange(({ to }) => told.push(to))
    off()
    fail()
    expect(told).toEqual([])
  })

  it('may ask the circuit for a permit in the middle of a change', async () => {
    const { breaker, clock, fail } = breakerWith({ failureThreshold: 1 })
    let stolen: { succeed(): void } | undefined
    breaker.onStateChange(({ to }) => {
      if (to === 'HALF_OPEN') stolen = breaker.tryEnter()
    })
    fail()
    await clock.advance(30_000)
    expect(() => breaker.tryEnter()).toThrow('half-open')
    stolen?.succeed()
    expect(breaker.state).toBe('CLOSED')
  })
})

describe('the snapshot', () => {
  it('is plain data with everything there is to see', async () => {
    const { breaker, clock, fail } = breakerWith({ failureThreshold: 2 })
    breaker.tryEnter().succeed()
    fail(2)
    await clock.advance(10_000)
    await rejection(breaker.execute(() => deferred().promise))
    const snapshot = breaker.snapshot()
    expect(JSON.parse(JSON.stringify(snapshot))).toEqual(snapshot)
    expect(snapshot).toEqual({
      name: 'alpaca',
      state: 'OPEN',
      mode: 'automatic',
      failureCount: 2,
      failureThreshold: 2,
      usualSuccessRate: null,
      enforced: true,
      window: null,
      probes: 0,
      parked: 0,
      keys: {},
      totals: { successes: 1, failures: 2, neutral: 0, refused: 1, opened: 1 },
      since: Date.UTC(2026, 0, 5, 14, 30),
      nextAttemptAt: Date.UTC(2026, 0, 5, 14, 30, 30),
      lastError: 'connect ECONNRESET',
    })
  })
})
