import { VirtualClock } from '@holdfast/testing'
import {
  Bulkhead,
  bulkhead,
  CircuitBreakerRegistry,
  circuitBreaker,
  circuitBreakers,
  RateLimiter,
  rateLimited,
  retryWithBackoff,
  timeout,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import type { Desk } from '../fixtures/decorators/desk.ts'
import { deferred, networkError, rejection } from '../support.ts'

/** The code that `tsc` has compiled (test/global-setup.ts). */
async function deskCompiledFor(mode: string, clock: VirtualClock): Promise<Desk> {
  const url = new URL(`../../../../.generated/decorators/${mode}/desk.js`, import.meta.url)
  const { makeDesk } = await import(url.href)
  return makeDesk(clock)
}

describe.each(['standard', 'experimental'])('%s decorators', (mode) => {
  const setUp = async () => {
    const clock = new VirtualClock()
    return { clock, desk: await deskCompiledFor(mode, clock) }
  }

  it('keep this, parameters and results', async () => {
    const { desk } = await setUp()
    expect(await desk.account('Ada')).toBe('account of Ada')
  })

  it('@circuitBreaker shares the breaker of a service between methods', async () => {
    const { desk } = await setUp()
    await rejection(desk.account(''))
    await rejection(desk.account(''))
    expect(desk.registry.states()).toEqual({ alpaca: 'OPEN' })
    expect(await rejection(desk.positions())).toMatchObject({
      code: 'HOLDFAST_CIRCUIT_OPEN',
      service: 'alpaca',
      operation: 'positions',
    })
  })

  it('@retryWithBackoff tries again', async () => {
    const { clock, desk } = await setUp()
    const result = desk.flaky(2)
    await clock.runToRest()
    expect(await result).toBe('account of 3')
  })

  it('@retryWithBackoff({ sync: true }) blocks and returns a value', async () => {
    const { clock, desk } = await setUp()
    expect(desk.flakySync(2)).toBe('account of 3')
    expect(clock.now()).toBe(3_000)
  })

  it('@retryWithBackoff names the method in its errors', async () => {
    const { clock, desk } = await setUp()
    const result = rejection(desk.flaky(9))
    await clock.runToRest()
    expect(await result).toMatchObject({ code: 'HOLDFAST_RETRIES_EXHAUSTED', operation: 'flaky' })
  })

  it('@timeout ends it', async () => {
    const { clock, desk } = await setUp()
    const result = rejection(desk.slow())
    await clock.advance(100)
    expect(await result).toMatchObject({ code: 'HOLDFAST_TIMEOUT', operation: 'slow' })
  })

  it('@rateLimited waits for a token', async () => {
    const { clock, desk } = await setUp()
    expect(await desk.limited()).toBe(0)
    const second = desk.limited()
    await clock.advance(1_000)
    expect(await second).toBe(1_000)
  })

  it('@bulkhead lets so many in', async () => {
    const { desk } = await setUp()
    const { promise, resolve } = deferred()
    const first = desk.crowded(promise)
    expect(await rejection(desk.crowded(promise))).toMatchObject({
      code: 'HOLDFAST_BULKHEAD_FULL',
      operation: 'crowded',
    })
    expect(desk.bulkhead.active).toBe(1)
    resolve()
    await first
  })
})

describe('round a plain function', () => {
  it('each of them keeps the parameters and names the function', async () => {
    const clock = new VirtualClock()
    const registry = new CircuitBreakerRegistry({ clock, failureThreshold: 1 })
    async function getBars(symbol: string, count: number): Promise<string> {
      if (count < 0) throw networkError('ECONNREFUSED')
      return `${count} bars of ${symbol}`
    }
    const limiter = new RateLimiter({ tokensPerSecond: 10, clock })
    const slots = new Bulkhead({ clock })
    const guarded = circuitBreaker('polygon', { registry })(
      bulkhead(slots)(rateLimited(limiter)(timeout(1_000, { clock })(getBars))),
    )
    expect(guarded.name).toBe('getBars')
    expect(await guarded('AAPL', 5)).toBe('5 bars of AAPL')
    expect(await retryWithBackoff({ clock })(getBars)('AAPL', 6)).toBe('6 bars of AAPL')
    expect(retryWithBackoff({ clock, sync: true })((n: number) => n + 1)(4)).toBe(5)
    expect(slots.snapshot().totals.admitted).toBe(1)
    expect(limiter.snapshot().totals.admitted).toBe(1)
    const opened = circuitBreaker('fred', { registry })(getBars)
    await rejection(opened('GDP', -1))
    expect(await rejection(opened('GDP', 1))).toMatchObject({ service: 'fred', operation: 'getBars' })
  })

  it('breakers are kept in a registry that all share unless another is given', async () => {
    const ask = circuitBreaker('shared service')(async () => 1)
    await ask()
    expect(circuitBreakers.get('shared service').snapshot().totals.successes).toBe(1)
  })

  it.each([
    ['a field', [undefined, { kind: 'field', name: 'x' }]],
    ['a class', [class {}, { kind: 'class', name: 'X' }]],
    ['a getter', [() => 1, { kind: 'getter', name: 'x' }]],
    ['a static property of old', [class {}, 'x']],
  ])('says so when it stands on %s, which is no method', (_, target) => {
    expect(() => Reflect.apply(timeout(5), undefined, target)).toThrow('for methods')
  })

  it.each([
    ['a generator', function* () {}],
    ['an async generator', async function* () {}],
  ])('says so when it stands on %s, whose work it would not see', (_, generator) => {
    expect(() => Reflect.apply(timeout(5), undefined, [generator])).toThrow('a generator works after it has returned')
  })
})
