import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { Bulkhead, type Priority, pipeline, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { deferred, rejection } from '../support.ts'

describe('priority', () => {
  it('serves who waits by priority, and first come, first served within one', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, acquireTimeoutMs: 60_000, clock })
    const order: string[] = []
    const first = deferred()
    void bulkhead.execute(() => first.promise)
    const call = (name: string, priority?: Priority): Promise<unknown> =>
      bulkhead.execute(() => void order.push(name), { priority })
    const all = [
      call('b1', 'background'),
      call('n1'),
      call('c1', 'critical'),
      call('n2', 'normal'),
      call('b2', 'background'),
      call('c2', 'critical'),
    ]
    first.resolve()
    await Promise.all(all)
    expect(order).toEqual(['c1', 'c2', 'n1', 'n2', 'b1', 'b2'])
  })

  it('lets an urgent call take what is there while others wait for what is not theirs', async () => {
    const clock = new VirtualClock()
    const limiter = new RateLimiter({ tokensPerSecond: 1, burstSize: 10, criticalShare: 0.2, clock })
    for (let call = 0; call < 8; call++) expect(limiter.tryAcquire().allowed).toBe(true)
    const patient = limiter.acquire()
    expect(limiter.tryAcquire({ priority: 'critical' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ priority: 'critical' }).allowed).toBe(true)
    expect(limiter.tryAcquire({ priority: 'critical' }).allowed).toBe(false)
    await clock.advance(2_999)
    expect(limiter.snapshot().queued).toBe(1)
    await clock.advance(1)
    await patient
  })

  it('has a full queue give up who is least urgent and came last, for somebody more urgent only', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueue: 2, acquireTimeoutMs: 60_000, clock })
    const order: string[] = []
    const first = deferred()
    void bulkhead.execute(() => first.promise)
    const call = (name: string, priority: Priority): Promise<unknown> =>
      bulkhead.execute(() => void order.push(name), { priority })
    const normal = call('normal', 'normal')
    const early = call('early', 'background')
    expect(await rejection(call('late', 'background'))).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    const critical = call('critical', 'critical')
    expect(await rejection(early)).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    const urgent = call('urgent', 'critical')
    expect(await rejection(normal)).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    expect(await rejection(call('one too many', 'critical'))).toMatchObject({ code: 'HOLDFAST_BULKHEAD_FULL' })
    first.resolve()
    await Promise.all([critical, urgent])
    expect(order).toEqual(['critical', 'urgent'])
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, queued: 0 })
    expect(clock.pendingTimers).toBe(0)
  })

  it('keeps a share of the slots for critical calls', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ maxConcurrent: 5, maxQueue: 0, criticalShare: 0.4, clock })
    const running = deferred()
    const admitted = (priority: Priority): Promise<boolean> => {
      const call = bulkhead.execute(() => running.promise, { priority })
      return Promise.race([call.then(() => true), clock.settle().then(() => true)]).catch(() => false)
    }
    const normal = await Promise.all(Array.from({ length: 5 }, () => admitted('normal')))
    expect(normal.filter(Boolean)).toHaveLength(3)
    expect(() => bulkhead.tryEnter()).toThrow('no slot now')
    const critical = await Promise.all(Array.from({ length: 3 }, () => admitted('critical')))
    expect(critical.filter(Boolean)).toHaveLength(2)
    running.resolve()
  })

  it('always has the slots that are kept for critical calls, whatever the others want', async () => {
    const step = fc.oneof(
      {
        weight: 4,
        arbitrary: fc.record({
          do: fc.constant('call' as const),
          priority: fc.constantFrom<Priority>('critical', 'normal', 'normal', 'background'),
        }),
      },
      { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), which: fc.nat(20) }) },
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { maxLength: 80 }),
        fc.integer({ min: 2, max: 10 }),
        fc.double({ min: 0, max: 0.9, noNaN: true }),
        async (steps, maxConcurrent, criticalShare) => {
          const clock = new VirtualClock()
          const bulkhead = new Bulkhead({ maxConcurrent, criticalShare, acquireTimeoutMs: 60_000, clock })
          const kept = Math.min(maxConcurrent - 1, Math.floor(criticalShare * maxConcurrent))
          const running: { readonly priority: Priority; readonly end: () => void }[] = []
          for (const each of steps) {
            if (each.do === 'end') {
              running.splice(each.which % Math.max(1, running.length), 1)[0]?.end()
              await clock.settle()
              continue
            }
            const { priority } = each
            const criticalBefore = running.filter((one) => one.priority === 'critical').length
            let isAdmitted = false
            void bulkhead.execute(
              () => {
                const { promise, resolve } = deferred()
                running.push({ priority, end: resolve })
                isAdmitted = true
                return promise
              },
              { priority },
            )
            await clock.settle()
            if (priority === 'critical' && criticalBefore < kept) expect(isAdmitted).toBe(true)
            expect(running.length).toBeLessThanOrEqual(maxConcurrent)
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  it('must be one that there is', async () => {
    const limiter = new RateLimiter({ tokensPerSecond: 1 })
    // As a caller without types would.
    const options = JSON.parse('{"priority":"urgent"}')
    expect(await rejection(pipeline({ rateLimiter: limiter }).execute(() => 1, options))).toMatchObject({
      code: 'HOLDFAST_INVALID_OPTION',
      field: 'priority',
    })
  })
})
