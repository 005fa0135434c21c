import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { RequestCounter, type RequestLimit } from '../src/request-limit.ts'

/** The beginning of a minute. */
const MINUTE = Date.UTC(2026, 0, 5, 15, 0)

function start(limit: RequestLimit, wallTime = MINUTE) {
  const clock = new VirtualClock({ wallTime })
  return { clock, counter: new RequestCounter(limit, clock) }
}

describe('a limit of fixed windows', () => {
  const limit = { requests: 2, windowMs: 60_000, window: 'fixed' } as const

  it('counts anew when a window begins, however soon that is', async () => {
    const { clock, counter } = start(limit, MINUTE + 59_000)
    expect(counter.count('key')).toEqual({ allowed: true, limit: 2, remaining: 1, resetAt: MINUTE + 60_000 })
    expect(counter.count('key')).toMatchObject({ allowed: true, remaining: 0 })
    expect(counter.count('key')).toMatchObject({ allowed: false, remaining: 0, resetAt: MINUTE + 60_000 })
    await clock.advance(1_000)
    expect(counter.count('key')).toEqual({ allowed: true, limit: 2, remaining: 1, resetAt: MINUTE + 120_000 })
  })

  it('counts each key by itself', () => {
    const { counter } = start(limit)
    for (let time = 0; time < 3; time++) counter.count('one')
    expect(counter.count('other')).toMatchObject({ allowed: true, remaining: 1 })
  })
})

describe('a limit of a rolling window', () => {
  const limit = { requests: 2, windowMs: 1_000, window: 'rolling' } as const

  it('has room again when the first request is a window ago, and not a millisecond earlier', async () => {
    const { clock, counter } = start(limit)
    counter.count('key')
    await clock.advance(400)
    counter.count('key')
    await clock.advance(599)
    expect(counter.count('key')).toMatchObject({ allowed: false, resetAt: MINUTE + 1_000 })
    await clock.advance(1)
    expect(counter.count('key')).toMatchObject({ allowed: true, remaining: 0 })
  })

  it('does not count what it refuses', async () => {
    const { clock, counter } = start(limit)
    for (let time = 0; time < 50; time++) counter.count('key')
    await clock.advance(1_000)
    expect(counter.count('key')).toMatchObject({ allowed: true, remaining: 1 })
  })
})

it('a limit that is changed begins anew', () => {
  const { counter } = start({ requests: 1, windowMs: 60_000, window: 'fixed' })
  counter.count('key')
  counter.reset({ requests: 1, windowMs: 1_000, window: 'rolling' })
  expect(counter.count('key')).toEqual({ allowed: true, limit: 1, remaining: 0, resetAt: MINUTE + 1_000 })
})
