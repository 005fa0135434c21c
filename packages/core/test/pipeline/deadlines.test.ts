import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadline } from '../../src/pipeline/deadline.ts'
import { DeadlineHeap } from '../../src/pipeline/deadline-heap.ts'
import { DeadlineList } from '../../src/pipeline/deadline-list.ts'
import { Deadlines, deadlinesOf } from '../../src/pipeline/deadlines.ts'
import { StallLog } from '../../src/pipeline/stall-log.ts'

describe('the deadlines of a clock', () => {
  it('are one set for all who use it', () => {
    const clock = new VirtualClock()
    expect(deadlinesOf(clock)).toBe(deadlinesOf(clock))
    expect(deadlinesOf(new VirtualClock())).not.toBe(deadlinesOf(clock))
  })

  it('have a list for each of 32 lengths, and a heap beyond', () => {
    const deadlines = new Deadlines(new VirtualClock())
    const first = deadlines.listFor(1)
    for (let length = 2; length <= 32; length++) expect(deadlines.listFor(length)).toBeInstanceOf(DeadlineList)
    expect(deadlines.listFor(33)).not.toBeInstanceOf(DeadlineList)
    expect(deadlines.listFor(1)).toBe(first)
    expect(deadlines.queueFor(1)).toBe(first)
    expect(deadlines.queueFor(1.5)).not.toBeInstanceOf(DeadlineList)
  })
})

describe('a heap of deadlines', () => {
  it('is right whatever comes and goes, with one timer', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            gapMs: fc.nat(40),
            lengthMs: fc.integer({ min: 1, max: 200 }),
            cancelAfterMs: fc.option(fc.nat(150), { nil: undefined }),
          }),
          { maxLength: 60 },
        ),
        async (plans) => {
          const clock = new VirtualClock()
          const heap = new DeadlineHeap(clock, new StallLog())
          const due: [number, number][] = []
          const expected: [number, number][] = []
          for (const [index, { gapMs, lengthMs, cancelAfterMs }] of plans.entries()) {
            await clock.advance(gapMs)
            const deadline = new Deadline({ due: (_deadline, now) => due.push([index, now]) })
            if (cancelAfterMs !== undefined && cancelAfterMs < lengthMs) {
              clock.setTimer(() => deadline.cancel(), cancelAfterMs, false)
            } else {
              expected.push([index, clock.now() + lengthMs])
            }
            heap.queue(lengthMs).add(deadline, clock.now())
            expect(clock.pendingTimersThatKeepAlive).toBeLessThanOrEqual(1)
          }
          await clock.advance(1_000)
          const byTime = (a: [number, number], b: [number, number]): number => a[1] - b[1] || a[0] - b[0]
          expect(due.toSorted(byTime)).toEqual(expected.toSorted(byTime))
          expect(due.map(([, at]) => at)).toEqual(due.map(([, at]) => at).toSorted((a, b) => a - b))
          expect(clock.pendingTimersThatKeepAlive).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })
})
