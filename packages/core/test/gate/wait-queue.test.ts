import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type QueuedCall, QueuePlace } from '../../src/gate/queue-place.ts'
import { WaitQueue } from '../../src/gate/wait-queue.ts'

function placeOf(name: number, cost: number): QueuePlace {
  const call: QueuedCall = {
    service: undefined,
    operation: String(name),
    attempt: 1,
    client: undefined,
    cost,
    key: undefined,
    priority: 'normal',
    deadlineAt: Number.POSITIVE_INFINITY,
    admittedAt: 0,
    slot: undefined,
    queue: undefined,
    now: () => 0,
    admitted: () => undefined,
    askAgain: () => undefined,
    refused: () => undefined,
  }
  return new QueuePlace(call)
}

describe('a wait queue', () => {
  it('is in the order of priority and then of arrival, whoever leaves', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({ lane: fc.integer({ min: 0, max: 2 }), cost: fc.integer({ min: 1, max: 5 }), leave: fc.nat() }),
        ),
        (steps) => {
          const queue = new WaitQueue()
          const model: QueuePlace[][] = [[], [], []]
          for (const [name, { lane, cost, leave }] of steps.entries()) {
            const place = placeOf(name, cost)
            place.client = name % 3
            queue.add(place, lane)
            model[lane]?.push(place)
            const all = model.flat()
            const leaving = leave % 3 === 0 ? all[leave % all.length] : undefined
            if (leaving !== undefined) {
              queue.remove(leaving)
              for (const [index, places] of model.entries()) model[index] = places.filter((each) => each !== leaving)
            }
            expect(queue.all()).toEqual(model.flat())
            expect(queue.length).toBe(model.flat().length)
            const upTo = model.slice(0, lane + 1).flat()
            expect(queue.lengthUpTo(lane)).toBe(upTo.length)
            expect(queue.costUpTo(lane)).toBe(upTo.reduce((sum, each) => sum + each.call.cost, 0))
            const own = upTo.filter((each) => each.client === 1)
            expect(queue.costOfClient(1, lane)).toBe(own.reduce((sum, each) => sum + each.call.cost, 0))
            expect(queue.lastBehind(lane)).toBe(
              model
                .slice(lane + 1)
                .flat()
                .at(-1),
            )
            expect(queue.firstOf(lane)).toBe(model[lane]?.[0])
          }
        },
      ),
    )
  })
})
