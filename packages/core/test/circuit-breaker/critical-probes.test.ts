import { VirtualClock } from '@holdfast/testing'
import { type CircuitChange, CircuitOpenError, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { CircuitBreaker } from '../../src/circuit-breaker/circuit-breaker.ts'

const hangUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
const urgent = { priority: 'critical' } as const

/** A circuit that one failure has opened, and what it told. */
async function opened({ criticalProbes = true, maxRetries = 0 } = {}) {
  const clock = new VirtualClock()
  const changes: CircuitChange[] = []
  const breaker = new CircuitBreaker('broker', { failureThreshold: 1, criticalProbes, clock })
  const broker = pipeline({ circuitBreaker: breaker, clock, retry: { maxRetries, baseDelayMs: 10 } })
  breaker.tryEnter().fail(hangUp)
  breaker.onStateChange((change) => changes.push(change))
  return { clock, breaker, broker, changes }
}

describe('a critical call at an open circuit', () => {
  it('is let through as a probe, and closes it when it is answered', async () => {
    const { breaker, broker, changes } = await opened()
    expect(await broker.execute(() => 'cancelled', urgent)).toBe('cancelled')
    expect(breaker.state).toBe('CLOSED')
    expect(changes.map(({ reason }) => reason)).toEqual(['critical-call', 'probe-succeeded'])
  })

  it('leaves it open for everybody else when it fails', async () => {
    const { breaker, broker } = await opened()
    await expect(broker.execute(() => Promise.reject(hangUp), urgent)).rejects.toBe(hangUp)
    expect(breaker.state).toBe('OPEN')
    await expect(broker.execute(() => 'read')).rejects.toBeInstanceOf(CircuitOpenError)
  })

  it('is let through while a probe is out, without being counted', async () => {
    const { breaker, broker } = await opened()
    let answer = (_value: string): void => undefined
    const probe = broker.execute(() => new Promise<string>((resolve) => (answer = resolve)), urgent)
    expect(await broker.execute(() => 'second', urgent)).toBe('second')
    expect(breaker.state).toBe('HALF_OPEN')
    expect(breaker.snapshot()).toMatchObject({ probes: 1, totals: { refused: 0 } })
    answer('first')
    expect(await probe).toBe('first')
    expect(breaker.state).toBe('CLOSED')
  })

  it('is repeated as its retries allow, although the circuit would refuse anybody else', async () => {
    const { clock, broker } = await opened({ maxRetries: 2 })
    let attempts = 0
    const cancelling = broker.execute(() => {
      if (++attempts < 3) throw hangUp
      return 'cancelled'
    }, urgent)
    await clock.advance(1_000)
    expect(await cancelling).toBe('cancelled')
  })

  it('is refused by a circuit that was opened by hand', async () => {
    const { breaker, broker } = await opened()
    breaker.trip('maintenance')
    await expect(broker.execute(() => 'cancelled', urgent)).rejects.toBeInstanceOf(CircuitOpenError)
  })

  it('is refused like every other call unless that is asked for', async () => {
    const { broker } = await opened({ criticalProbes: false })
    await expect(broker.execute(() => 'cancelled', urgent)).rejects.toBeInstanceOf(CircuitOpenError)
  })

  it('passes the circuit of its key too', async () => {
    const clock = new VirtualClock()
    const breaker = new CircuitBreaker('broker', { failureThreshold: 1, maxKeys: 10, criticalProbes: true, clock })
    const broker = pipeline({ circuitBreaker: breaker, clock })
    await broker.execute(() => Promise.reject(hangUp), { key: 'AAPL' }).catch(() => undefined)
    expect(breaker.snapshot().keys).toEqual({ AAPL: 'OPEN' })
    await expect(broker.execute(() => 'read', { key: 'AAPL' })).rejects.toBeInstanceOf(CircuitOpenError)
    expect(await broker.execute(() => 'cancelled', { key: 'AAPL', ...urgent })).toBe('cancelled')
  })
})
