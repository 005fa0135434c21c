import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { Bulkhead, BulkheadFullError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, rejection } from '../support.ts'

function setUp(options: { maxConcurrent?: number; maxPerKey?: number; maxQueue?: number; acquireTimeoutMs?: number }) {
  const clock = new VirtualClock()
  const bulkhead = new Bulkhead({ clock, ...options })
  const running: { readonly key: string | undefined; readonly end: () => void }[] = []
  const call = (key?: string, signal?: AbortSignal): Promise<unknown> =>
    bulkhead.execute(
      () => {
        const { promise, resolve } = deferred()
        running.push({ key, end: resolve })
        return promise
      },
      { key, signal },
    )
  const keys = (): (string | undefined)[] => running.map(({ key }) => key)
  return { clock, bulkhead, running, call, keys }
}

describe('slots of keys', () => {
  it('one key that hangs does not take the slots of all, and holds nobody up who waits behind it', async () => {
    const { clock, call, keys } = setUp({ maxConcurrent: 4, maxPerKey: 2 })
    for (const key of ['TSLA', 'TSLA', 'TSLA', 'AAPL', 'MSFT']) void call(key)
    await clock.settle()
    expect(keys()).toEqual(['TSLA', 'TSLA', 'AAPL', 'MSFT'])
  })

  it('go to those who wait for them, in order', async () => {
    const { clock, running, call, keys } = setUp({ maxConcurrent: 4, maxPerKey: 1 })
    for (const key of ['TSLA', 'TSLA', 'AAPL', 'AAPL']) void call(key)
    await clock.settle()
    expect(keys()).toEqual(['TSLA', 'AAPL'])
    running[1]?.end()
    await clock.settle()
    expect(keys()).toEqual(['TSLA', 'AAPL', 'AAPL'])
  })

  it('count nothing for calls without a key', async () => {
    const { clock, call, keys } = setUp({ maxConcurrent: 3, maxPerKey: 1 })
    for (let n = 0; n < 3; n++) void call()
    await clock.settle()
    expect(keys()).toHaveLength(3)
  })

  it('say what is full when they refuse: the key, not the service', async () => {
    const { clock, call } = setUp({ maxConcurrent: 4, maxPerKey: 1, acquireTimeoutMs: 100 })
    void call('TSLA')
    const refused = rejection(call('TSLA'))
    await clock.advance(100)
    expect(await refused).toBeInstanceOf(BulkheadFullError)
    expect(String(await refused)).toContain('all 1 of the key TSLA are taken; come back in 100 ms or raise maxPerKey')
  })

  it('are never more than there are, come back from calls that were given up too, and none is lost', async () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('call' as const), key: fc.constantFrom('A', 'B', 'C', undefined) }),
      fc.record({ do: fc.constantFrom('end' as const, 'abort' as const), which: fc.nat(20) }),
      fc.record({ do: fc.constant('advance' as const), ms: fc.constantFrom(1, 10) }),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        async (steps, maxConcurrent, maxPerKey) => {
          const { clock, bulkhead, running, call, keys } = setUp({ maxConcurrent, maxPerKey, acquireTimeoutMs: 5 })
          const callers: AbortController[] = []
          const ended: Promise<unknown>[] = []
          for (const each of steps) {
            if (each.do === 'call') {
              const caller = new AbortController()
              callers.push(caller)
              ended.push(call(each.key, caller.signal).catch(() => undefined))
            } else if (each.do === 'abort') {
              callers[each.which % Math.max(1, callers.length)]?.abort()
            } else if (each.do === 'advance') {
              await clock.advance(each.ms)
            } else {
              const [one] = running.splice(each.which % Math.max(1, running.length), 1)
              one?.end()
            }
            await clock.settle()
            expect(bulkhead.active).toBeLessThanOrEqual(maxConcurrent)
            for (const key of ['A', 'B', 'C']) {
              expect(keys().filter((one) => one === key).length).toBeLessThanOrEqual(maxPerKey)
            }
          }
          // Every key can have all its slots in the end, so none was lost.
          for (const one of running.splice(0)) one.end()
          await clock.advance(2_000)
          for (const one of running.splice(0)) one.end()
          await clock.runToRest()
          await Promise.all(ended)
          expect(bulkhead.active).toBe(0)
          const own = Math.min(maxPerKey, maxConcurrent)
          for (let n = 0; n < own; n++) void call('A')
          await clock.settle()
          expect(running).toHaveLength(own)
          expect(bulkhead.active).toBe(own)
        },
      ),
      { numRuns: 60 },
    )
  })
})
