import { VirtualClock } from '@holdfast/testing'
import { RetriesExhaustedError, retrySync } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError } from '../support.ts'

describe('retrySync', () => {
  it('says what to hand in when it is given a call that has been made already', () => {
    expect(() => retrySync(JSON.parse('1'))).toThrow('number is not a function: hand in what makes the call')
  })

  it('blocks until the next attempt, and returns a value and no promise', () => {
    const clock = new VirtualClock()
    const times: number[] = []
    const value = retrySync(
      ({ attempt }) => {
        times.push(clock.now())
        if (attempt < 3) throw networkError('ECONNRESET')
        return attempt
      },
      { jitter: 'none', clock },
    )
    expect(value).toBe(3)
    expect(times).toEqual([0, 1_000, 3_000])
  })

  it('really blocks: nothing else of the process runs meanwhile', async () => {
    const order: string[] = []
    setImmediate(() => order.push('the rest of the process'))
    retrySync(
      ({ attempt }) => {
        order.push(`attempt ${attempt}`)
        if (attempt < 3) throw networkError('ECONNRESET')
      },
      { baseDelayMs: 5, jitter: 'none' },
    )
    await new Promise((resolve) => setImmediate(resolve))
    expect(order).toEqual(['attempt 1', 'attempt 2', 'attempt 3', 'the rest of the process'])
  })

  it('gives up as retry does', () => {
    const clock = new VirtualClock()
    const failing = (): never => {
      throw networkError('ECONNRESET')
    }
    expect(() => retrySync(failing, { maxRetries: 2, clock })).toThrow(RetriesExhaustedError)
    const bug = new TypeError('a bug')
    const buggy = (): never => {
      throw bug
    }
    expect(() => retrySync(buggy, { clock })).toThrow(bug)
  })

  it('is not for functions that return promises', () => {
    expect(() => retrySync(async () => 1)).toThrow('use retry() for it')
  })
})
