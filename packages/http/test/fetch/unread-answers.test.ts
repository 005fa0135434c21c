import { VirtualClock } from '@holdfast/testing'
import { expect, it } from 'vitest'
import { UnreadAnswers } from '../../src/fetch/unread-answers.ts'

it('tells of each answer that is not begun a second after it came, in one timer that keeps no process alive', async () => {
  const clock = new VirtualClock()
  const unread = new UnreadAnswers(clock)
  const told: string[] = []
  const first = (): void => void told.push('first')
  const second = (): void => void told.push('second')
  const third = (): void => void told.push('third')
  unread.add(first)
  await clock.advance(400)
  unread.add(second)
  unread.add(third)
  expect([clock.pendingTimers, clock.pendingTimersThatKeepAlive]).toEqual([1, 0])
  await clock.advance(599)
  expect(told).toEqual([])
  await clock.advance(1)
  expect(told).toEqual(['first'])
  unread.remove(second)
  await clock.advance(400)
  expect(told).toEqual(['first', 'third'])
  expect(clock.pendingTimers).toBe(0)
})

it('goes on with those who come after all others were read', async () => {
  const clock = new VirtualClock()
  const unread = new UnreadAnswers(clock)
  const told: number[] = []
  const read = (): void => void told.push(0)
  unread.add(read)
  unread.remove(read)
  await clock.advance(900)
  unread.add(() => told.push(1))
  await clock.advance(999)
  expect(told).toEqual([])
  await clock.advance(1)
  expect(told).toEqual([1])
})
