import { VirtualClock } from '@holdfast/testing'
import { CircuitBreaker, type CircuitBreakerOptions } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { circuitText } from '../../src/control/circuit-news.ts'

/** A call: how long it takes, and whether it fails; or a wait. */
type Step = { readonly takesMs: number; readonly fails?: true } | { readonly waitMs: number }

/** What is told of a circuit while it goes through that. */
async function newsOf(options: CircuitBreakerOptions, steps: readonly Step[]): Promise<string[]> {
  const clock = new VirtualClock()
  const news: string[] = []
  const breaker = new CircuitBreaker('alpaca', { ...options, clock })
  breaker.onStateChange((change) => news.push(circuitText({ ...change, type: 'circuit' }, breaker.failureCount)))
  for (const step of steps) {
    if ('waitMs' in step) await clock.advance(step.waitMs)
    else {
      const call = breaker.execute(async () => {
        await new Promise<void>((resolve) => clock.setTimer(resolve, step.takesMs))
        if (step.fails) throw new Error('no answer')
      })
      await Promise.allSettled([call, clock.advance(step.takesMs)])
    }
  }
  return news
}

const SLOW = { slowCallMs: 500, slowCallRate: 0.5, windowCalls: 4, minimumCalls: 4, failureThreshold: 100 }
const RATE = { failureRate: 0.5, windowCalls: 4, minimumCalls: 4, failureThreshold: 100 }
const well = { takesMs: 1 }
const slow = { takesMs: 600 }
const bad = { takesMs: 1, fails: true } as const

describe('the news of a circuit', () => {
  it('tell that it opened by failures in a row, and of its probes', async () => {
    expect(
      await newsOf({ failureThreshold: 2 }, [bad, bad, { waitMs: 30_000 }, bad, { waitMs: 30_000 }, well]),
    ).toEqual([
      'opened after 2 failures in a row: no answer',
      'lets a probe through',
      'opened again: the probe failed: no answer',
      'lets a probe through',
      'closed: the probe was answered',
    ])
  })

  it('tell that it opened by a share of failures, though not in a row', async () => {
    expect(await newsOf(RATE, [well, bad, well, bad])).toEqual(['opened because too many calls failed: no answer'])
  })

  it('tell that it opened by slow calls, and that a probe was slow', async () => {
    expect(await newsOf(SLOW, [slow, slow, well, well, { waitMs: 30_000 }, slow])).toEqual([
      'opened because too many calls were slow',
      'lets a probe through',
      'opened again: the probe was answered, but too slowly',
    ])
  })
})
