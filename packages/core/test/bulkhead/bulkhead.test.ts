import { getEventListeners } from 'node:events'
import { seededRandom, VirtualClock } from '@holdfast/testing'
import { Bulkhead, BulkheadFullError, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, rejection } from '../support.ts'

function bulkheadWith(options: { maxConcurrent?: number; maxQueue?: number; acquireTimeoutMs?: number } = {}) {
  const clock = new VirtualClock()
  const bulkhead = new Bulkhead({ clock, ...options })
  const running: { readonly name: string; readonly end: () => void }[] = []
  const call = (name: string, signal?: AbortSignal): Promise<string> =>
    bulkhead.execute(
      async () => {
        const { promise, resolve } = deferred()
        running.push({ name, end: resolve })
        await promise
        return name
      },
      { signal },
    )
  const names = (): string[] => running.map(({ name }) => name)
  return { clock, bulkhead, running, call, names }
}

describe('the bulkhead', () => {
  it('says when to come back: after as long as it lets calls wait, and never at once', () => {
    const refusalOf = (acquireTimeoutMs: number): unknown => {
      const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueue: 0, acquireTimeoutMs, clock: new VirtualClock() })
      void bulkhead.execute(() => new Promise(() => undefined))
      return rejection(bulkhead.execute(() => 1))
    }
    return Promise.all([
      expect(refusalOf(2_000)).resolves.toMatchObject({
        retryAfterMs: 2_000,
        message: expect.stringContaining('come back in 2000 ms'),
      }),
      expect(refusalOf(0)).resolves.toMatchObject({ retryAfterMs: 1 }),
    ])
  })

  it('runs ten calls at once unless told otherwise, and queues a hundred', () => {
    const { bulkhead } = bulkheadWith()
    expect(bulkhead).toMatchObject({ maxConcurrent: 10, maxQueue: 100, acquireTimeoutMs: 1_000 })
  })

  it('runs so many at once, and the next in the order of their coming', async () => {
    const { clock, bulkhead, running, call, names } = bulkheadWith({ maxConcurrent: 2 })
    const results = ['a', 'b', 'c', 'd'].map((name) => call(name))
    await clock.settle()
    expect(names()).toEqual(['a', 'b'])
    expect(bulkhead.snapshot()).toMatchObject({ active: 2, queued: 2 })
    running[1]?.end()
    await clock.settle()
    expect(names()).toEqual(['a', 'b', 'c'])
    for (const each of running) each.end()
    await clock.settle()
    running[3]?.end()
    expect(await Promise.all(results)).toEqual(['a', 'b', 'c', 'd'])
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, queued: 0, totals: { admitted: 4, refused: 0 } })
    expect(clock.pendingTimers).toBe(0)
  })

  it('refuses at once when the queue is full', async () => {
    const { clock, bulkhead, call } = bulkheadWith({ maxConcurrent: 1, maxQueue: 1 })
    void call('a')
    void call('b')
    const error = await rejection(call('c'))
    expect(error).toBeInstanceOf(BulkheadFullError)
    expect(String(error)).toContain('all 1 are taken')
    expect(bulkhead.snapshot().totals.refused).toBe(1)
    await clock.settle()
  })

  it.each([{ maxQueue: 0 }, { acquireTimeoutMs: 0 }])('never queues with %o', async (options) => {
    const { call } = bulkheadWith({ maxConcurrent: 1, ...options })
    void call('a')
    expect(await rejection(call('b'))).toBeInstanceOf(BulkheadFullError)
  })

  it('refuses who has waited for acquireTimeoutMs, and nobody sooner', async () => {
    const { clock, bulkhead, call } = bulkheadWith({ maxConcurrent: 1, acquireTimeoutMs: 500 })
    void call('a')
    let refused: unknown
    call('b').catch((error: unknown) => {
      refused = error
    })
    await clock.advance(499)
    expect(refused).toBeUndefined()
    await clock.advance(1)
    expect(refused).toBeInstanceOf(BulkheadFullError)
    expect(bulkhead.queued).toBe(0)
    expect(clock.pendingTimers).toBe(0)
  })

  it('forgets who gives up while waiting, at once', async () => {
    const { clock, bulkhead, call, names, running } = bulkheadWith({ maxConcurrent: 1 })
    void call('a')
    const controller = new AbortController()
    const given = call('b', controller.signal)
    const patient = call('c')
    await clock.settle()
    controller.abort(new Error('no longer wanted'))
    expect(await rejection(given)).toMatchObject({ message: 'no longer wanted' })
    expect(bulkhead.queued).toBe(1)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    running[0]?.end()
    await clock.settle()
    expect(names()).toEqual(['a', 'c'])
    running[1]?.end()
    expect(await patient).toBe('c')
  })

  it('gives the slot back when the function throws, synchronously too', async () => {
    const { bulkhead } = bulkheadWith({ maxConcurrent: 1 })
    const oops = new Error('oops')
    expect(await rejection(bulkhead.execute(() => Promise.reject(oops)))).toBe(oops)
    const throwing = (): never => {
      throw oops
    }
    expect(await rejection(bulkhead.execute(throwing))).toBe(oops)
    expect(bulkhead.active).toBe(0)
  })

  it('hands out slots by hand, each given back once', () => {
    const { bulkhead } = bulkheadWith({ maxConcurrent: 1 })
    const permit = bulkhead.tryEnter()
    expect(() => bulkhead.tryEnter()).toThrow(BulkheadFullError)
    permit.release()
    permit.release()
    expect(bulkhead.active).toBe(0)
    bulkhead.tryEnter()
    expect(() => bulkhead.tryEnter()).toThrow(BulkheadFullError)
  })

  it('hands a slot given back by hand to who waits', async () => {
    const { clock, bulkhead, call, names } = bulkheadWith({ maxConcurrent: 1 })
    const permit = bulkhead.tryEnter()
    void call('a')
    await clock.settle()
    expect(names()).toEqual([])
    permit.release()
    await clock.settle()
    expect(names()).toEqual(['a'])
  })

  it('gives new slots to who waits, and takes slots away only as calls end', async () => {
    const { clock, bulkhead, running, call, names } = bulkheadWith({ maxConcurrent: 1 })
    for (const name of ['a', 'b', 'c', 'd']) void call(name)
    bulkhead.setMaxConcurrent(3)
    await clock.settle()
    expect(names()).toEqual(['a', 'b', 'c'])
    bulkhead.setMaxConcurrent(1)
    expect(bulkhead.snapshot()).toMatchObject({ maxConcurrent: 1, active: 3, queued: 1 })
    for (const name of ['a', 'b']) running.find((call) => call.name === name)?.end()
    await clock.settle()
    expect(names()).toEqual(['a', 'b', 'c'])
    running.find((call) => call.name === 'c')?.end()
    await clock.settle()
    expect(names()).toEqual(['a', 'b', 'c', 'd'])
    expect(() => bulkhead.setMaxConcurrent(0)).toThrow('bulkhead.maxConcurrent is 0')
  })
})

describe('a call that is given up while its function runs on', () => {
  const setUp = (maxConcurrent = 1) => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ clock, maxConcurrent })
    const guarded = pipeline({ bulkhead, attemptTimeoutMs: 100, clock })
    const { promise, resolve } = deferred()
    const result = rejection(guarded.execute(() => promise))
    return { clock, bulkhead, resolve, result }
  }

  it('keeps its slot until the function has ended', async () => {
    const { clock, bulkhead, resolve, result } = setUp()
    await clock.advance(100)
    expect(await result).toMatchObject({ code: 'HOLDFAST_TIMEOUT' })
    expect(bulkhead.snapshot()).toMatchObject({ active: 1, abandoned: 1 })
    resolve()
    await clock.settle()
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, abandoned: 0 })
    await clock.runToRest()
    expect(clock.pendingTimers).toBe(0)
  })

  it('keeps it for a second at most, without keeping the process alive', async () => {
    const { clock, bulkhead, resolve } = setUp()
    await clock.advance(1_099)
    expect(bulkhead.active).toBe(1)
    expect(clock.pendingTimersThatKeepAlive).toBe(0)
    await clock.advance(1)
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, abandoned: 0 })
    resolve()
    await clock.settle()
    expect(bulkhead.active).toBe(0)
  })
})

describe('under 100,000 random operations', () => {
  it('loses no slot, invents none, and never runs more than it may', async () => {
    const random = seededRandom(42)
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ clock, maxConcurrent: 7, maxQueue: 20, acquireTimeoutMs: 300 })
    const running: (() => void)[] = []
    const waiting: AbortController[] = []
    let inside = 0
    let most = 0
    let settled = 0
    let begun = 0
    const guarded = pipeline({ bulkhead, attemptTimeoutMs: 2_000, clock })
    for (let operation = 0; operation < 100_000; operation++) {
      const draw = random()
      if (draw < 0.5) {
        begun++
        const controller = new AbortController()
        if (random() < 0.3) waiting.push(controller)
        const work = async (): Promise<void> => {
          most = Math.max(most, ++inside)
          const { promise, resolve, reject } = deferred()
          running.push(() => {
            inside--
            if (random() < 0.2) reject(new Error('failed'))
            else resolve()
          })
          await promise
        }
        const done = (): void => {
          settled++
        }
        void guarded.execute(work, { signal: controller.signal }).then(done, done)
      } else if (draw < 0.9) {
        const [end] = running.splice(Math.floor(random() * running.length), 1)
        end?.()
      } else if (draw < 0.95) {
        const [controller] = waiting.splice(Math.floor(random() * waiting.length), 1)
        controller?.abort(new Error('given up'))
      } else {
        await clock.advance(Math.floor(random() * 50))
      }
      const { active, queued } = bulkhead.snapshot()
      if (active > 7 || active < 0 || queued > 20 || queued < 0) expect({ operation, active, queued }).toBe('possible')
    }
    while (running.length > 0) {
      for (const end of running.splice(0)) end()
      await clock.advance(1_000)
    }
    await clock.advance(5_000)
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, queued: 0, abandoned: 0 })
    expect(settled).toBe(begun)
    expect(most).toBeGreaterThanOrEqual(7)
    expect(clock.pendingTimers).toBe(0)
  })
})
