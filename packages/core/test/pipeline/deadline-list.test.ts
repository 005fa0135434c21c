import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Deadline } from '../../src/pipeline/deadline.ts'
import { DeadlineList } from '../../src/pipeline/deadline-list.ts'
import { StallLog } from '../../src/pipeline/stall-log.ts'

describe('a list of deadlines', () => {
  const setUp = () => {
    const clock = new VirtualClock()
    const list = new DeadlineList(clock, 100, new StallLog())
    const due: string[] = []
    const add = (name: string): Deadline => {
      const deadline = new Deadline({ due: (_deadline, now) => due.push(`${name} at ${now}`) })
      list.add(deadline, clock.now())
      return deadline
    }
    return { clock, due, add }
  }

  it('has one timer for all of them, and each comes due in its own time', async () => {
    const { clock, due, add } = setUp()
    add('first')
    await clock.advance(30)
    add('second')
    add('third')
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(200)
    expect(due).toEqual(['first at 100', 'second at 130', 'third at 130'])
    expect(clock.pendingTimers).toBe(0)
  })

  it('forgets what is called off, once, at either end or in the middle', async () => {
    const { clock, due, add } = setUp()
    const [first, , third, last] = ['first', 'second', 'third', 'last'].map(add)
    for (const deadline of [first, first, third, last]) deadline?.cancel()
    await clock.advance(100)
    expect(due).toEqual(['second at 100'])
    first?.cancel()
  })

  it('keeps no process up for nothing: an empty list lets go of its timer after 10 ms', async () => {
    const { clock, due, add } = setUp()
    add('first').cancel()
    await clock.advance(10)
    expect(clock.pendingTimers).toBe(0)
    add('second')
    await clock.advance(100)
    expect(due).toEqual(['second at 110'])
  })

  it('makes few timers for many calls that come and go', async () => {
    const { clock, add } = setUp()
    let most = 0
    for (let call = 0; call < 1_000; call++) {
      add('short').cancel()
      most = Math.max(most, clock.pendingTimers)
      await clock.advance(1)
    }
    expect(most).toBe(2)
  })

  it('is right whatever comes and goes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ gapMs: fc.nat(60), cancelAfterMs: fc.option(fc.nat(150), { nil: undefined }) }), {
          maxLength: 40,
        }),
        async (plans) => {
          const { clock, due, add } = setUp()
          const expected: string[] = []
          for (const [index, { gapMs, cancelAfterMs }] of plans.entries()) {
            await clock.advance(gapMs)
            const deadline = add(String(index))
            if (cancelAfterMs === undefined || cancelAfterMs > 100) expected.push(`${index} at ${clock.now() + 100}`)
            else if (cancelAfterMs < 100) clock.setTimer(() => deadline.cancel(), cancelAfterMs)
            else expected.push(`${index} at ${clock.now() + 100}`)
          }
          await clock.runToRest()
          expect(due).toEqual(expected)
          expect(clock.pendingTimers).toBe(0)
        },
      ),
      { numRuns: 100 },
    )
  })
})
