import { seededRandom, VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { AdaptiveThrottle, InvalidOptionError, isRejection, pipeline, ThrottledError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { rejection, statusError } from '../support.ts'

describe('an adaptive throttle', () => {
  it('refuses nothing while the service accepts at least one call in K', async () => {
    const clock = new VirtualClock()
    const throttle = new AdaptiveThrottle({ clock, random: () => 0 })
    const guarded = pipeline({ clock, throttle })
    for (let call = 0; call < 100; call++) {
      await guarded.execute(() => (call % 2 === 0 ? 1 : Promise.reject(statusError(503)))).catch(() => undefined)
    }
    expect(throttle.snapshot()).toMatchObject({
      calls: 100,
      accepts: 50,
      refusalProbability: 0,
      totals: { refused: 0 },
    })
  })

  it('takes a 4xx for an answer: who asks for what is not there is not refused', async () => {
    const clock = new VirtualClock()
    const throttle = new AdaptiveThrottle({ clock, random: () => 0 })
    const guarded = pipeline({ clock, throttle })
    for (let call = 0; call < 100; call++) {
      expect(await rejection(guarded.execute(() => Promise.reject(statusError(404))))).toMatchObject({ status: 404 })
    }
    expect(throttle.snapshot()).toMatchObject({ calls: 100, accepts: 100, totals: { refused: 0 } })
  })

  it('refuses a share that grows with what the service turns away, and its own refusals count', async () => {
    const clock = new VirtualClock()
    const throttle = new AdaptiveThrottle({ clock, random: seededRandom(1) })
    const guarded = pipeline({ clock, throttle })
    let sent = 0
    for (let call = 0; call < 1_000; call++) {
      await guarded
        .execute(() => {
          sent++
          return Promise.reject(statusError(503))
        })
        .catch(() => undefined)
    }
    // Nothing is accepted, so as much is refused as may be: nine in ten.
    expect(sent).toBeGreaterThan(80)
    expect(sent).toBeLessThan(180)
    expect(throttle.snapshot().refusalProbability).toBe(0.9)
  })

  it('tells what it refused and why', async () => {
    const clock = new VirtualClock()
    const throttle = new AdaptiveThrottle({ clock, random: () => 0, minCalls: 2 })
    const guarded = pipeline({ clock, throttle, name: 'alpaca' })
    for (let call = 0; call < 2; call++) await rejection(guarded.execute(() => Promise.reject(statusError(503))))
    const error = await rejection(guarded.execute(() => 1, { operation: 'getAccount' }))
    expect(error).toBeInstanceOf(ThrottledError)
    expect(isRejection(error)).toBe(true)
    expect(error).toMatchObject({
      code: 'HOLDFAST_THROTTLED',
      retryAfterMs: 6_000,
      message:
        'alpaca.getAccount: throttled: the service accepted 0 of the last 3 calls, so 67 % are not sent; come back in 6000 ms',
    })
  })

  it('forgets what is older than the window, after any silence', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3_000 }), { maxLength: 200 }), (gaps) => {
        const clock = new VirtualClock()
        const throttle = new AdaptiveThrottle({ clock, windowMs: 10_000, random: () => 1 })
        const times: number[] = []
        for (const gap of gaps) {
          clock.block(gap)
          throttle.enter({ service: undefined, operation: undefined, attempt: 1, now: () => clock.now() })
          throttle.accepted(clock.now())
          times.push(clock.now())
        }
        const { calls, accepts } = throttle.snapshot()
        expect(accepts).toBe(calls)
        const within = (ms: number): number => times.filter((at) => at > clock.now() - ms).length
        expect(calls).toBeGreaterThanOrEqual(within(9_000))
        expect(calls).toBeLessThanOrEqual(within(10_500))
      }),
    )
  })

  it('is checked when it is made', () => {
    expect(() => new AdaptiveThrottle({ callsPerAccept: 0.5 })).toThrow(InvalidOptionError)
  })
})
