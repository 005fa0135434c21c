import * as timers from 'node:timers'
import { setTimeout as sleep } from 'node:timers/promises'
import { installVirtualGlobals, VirtualClock } from '@holdfast/testing'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

describe('virtual globals', () => {
  let clock = new VirtualClock()
  let globals = installVirtualGlobals(clock)
  globals.uninstall()

  beforeEach(() => {
    clock = new VirtualClock({ now: 5, wallTime: 1_000_000 })
    globals = installVirtualGlobals(clock)
  })
  afterEach(() => globals.uninstall())

  it('tell the clock by Date, performance and hrtime', async () => {
    await clock.advance(1_500)
    expect([Date.now(), new Date().toISOString(), performance.now()]).toEqual([
      1_001_500,
      '1970-01-01T00:16:41.500Z',
      1_505,
    ])
    expect(process.hrtime.bigint()).toBe(1_505_000_000n)
    expect(process.hrtime([1, 500_000_000])).toEqual([0, 5_000_000])
    expect(new Date(7).getTime()).toBe(7)
    expect(new Date() instanceof Date).toBe(true)
  })

  it('run timers, intervals and immediates on the clock, those of the modules too', async () => {
    const seen: string[] = []
    setTimeout((word: string) => seen.push(`${word} ${clock.now()}`), 100, 'global')
    timers.setTimeout(() => seen.push(`module ${clock.now()}`), 100)
    void sleep(150).then(() => seen.push(`promise ${clock.now()}`))
    const interval = setInterval(() => {
      seen.push(`interval ${clock.now()}`)
      if (clock.now() > 200) clearInterval(interval)
    }, 120)
    setImmediate(() => seen.push('immediate'))
    clearTimeout(setTimeout(() => seen.push('cancelled'), 10))
    await clock.advance(1_000)
    expect(seen).toEqual(['immediate', 'global 105', 'module 105', 'interval 125', 'promise 155', 'interval 245'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('call off what was set before they were there', async () => {
    globals.uninstall()
    let fired = 0
    const handles = [setTimeout(() => fired++, 1), setInterval(() => fired++, 1)]
    const immediate = setImmediate(() => fired++)
    globals = installVirtualGlobals(clock)
    for (const handle of handles) clearTimeout(handle)
    clearImmediate(immediate)
    globals.uninstall()
    // Of the same delay, so it fires after those.
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(fired).toBe(0)
  })

  it('keep no process alive by what is unref’d', () => {
    setTimeout(() => undefined, 100).unref()
    setTimeout(() => undefined, 100)
    expect([clock.pendingTimers, clock.pendingTimersThatKeepAlive]).toEqual([2, 1])
  })

  it('abort signals with a timeout, and sleeps with a signal', async () => {
    const signal = AbortSignal.timeout(50)
    const sleeping = sleep(1_000, undefined, { signal }).catch((error: unknown) => error)
    await clock.advance(49)
    expect(signal.aborted).toBe(false)
    await clock.advance(1)
    expect(signal.reason).toMatchObject({ name: 'TimeoutError' })
    expect(await sleeping).toBe(signal.reason)
    expect(clock.pendingTimers).toBe(0)
  })

  it('go on with another clock, and are gone when uninstalled', async () => {
    const next = new VirtualClock({ now: 9_000 })
    globals.use(next)
    expect(performance.now()).toBe(9_000)
    globals.uninstall()
    expect(performance.now()).not.toBe(9_000)
    await new Promise((resolve) => setTimeout(resolve, 1))
  })
})
