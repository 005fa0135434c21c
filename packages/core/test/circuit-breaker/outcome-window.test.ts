import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CallWindow, type OutcomeWindow, TimeWindow } from '../../src/circuit-breaker/outcome-window.ts'

interface Outcome {
  readonly failed: boolean
  readonly slow: boolean
  readonly at: number
}

const outcomes = fc.array(
  fc.record({ failed: fc.boolean(), slow: fc.boolean(), gapMs: fc.oneof(fc.nat(20), fc.nat(2_000)) }),
  { maxLength: 300 },
)

function seen({ calls, failures, slow }: OutcomeWindow): object {
  return { calls, failures, slow }
}

function sumOf(list: readonly Outcome[]): object {
  return {
    calls: list.length,
    failures: list.filter(({ failed }) => failed).length,
    slow: list.filter(({ slow }) => slow).length,
  }
}

describe('a window of calls', () => {
  it('holds the last so many, whatever they were', () => {
    fc.assert(
      fc.property(outcomes, fc.integer({ min: 1, max: 40 }), (list, size) => {
        const window = new CallWindow(size)
        const all: Outcome[] = []
        for (const { failed, slow } of list) {
          window.record(failed, slow)
          all.push({ failed, slow, at: 0 })
          expect(seen(window)).toEqual(sumOf(all.slice(-size)))
        }
      }),
    )
  })

  it('is empty when it has been cleared, and fills again', () => {
    const window = new CallWindow(3)
    for (let call = 0; call < 5; call++) window.record(true, true)
    window.clear()
    expect(seen(window)).toEqual({ calls: 0, failures: 0, slow: 0 })
    window.record(true, false)
    window.record(false, true)
    expect(seen(window)).toEqual({ calls: 2, failures: 1, slow: 1 })
  })
})

describe('a window of time', () => {
  const durationMs = 1_600

  it('forgets nothing that is younger than 15/16 of it, and everything that is older than all of it', () => {
    fc.assert(
      fc.property(outcomes, (list) => {
        const window = new TimeWindow(durationMs)
        const all: Outcome[] = []
        let now = 0
        for (const { failed, slow, gapMs } of list) {
          now += gapMs
          window.record(failed, slow, now)
          all.push({ failed, slow, at: now })
          const youngest = sumOf(all.filter(({ at }) => at > now - (durationMs * 15) / 16))
          const possible = sumOf(all.filter(({ at }) => at > now - durationMs))
          for (const field of ['calls', 'failures', 'slow'] as const) {
            expect(window[field]).toBeGreaterThanOrEqual(Reflect.get(youngest, field))
            expect(window[field]).toBeLessThanOrEqual(Reflect.get(possible, field))
          }
        }
      }),
    )
  })

  it('is empty after a pause, also when nothing is added', () => {
    const window = new TimeWindow(durationMs)
    for (let call = 0; call < 10; call++) window.record(true, true, call * 100)
    window.advance(900 + durationMs)
    expect(seen(window)).toEqual({ calls: 0, failures: 0, slow: 0 })
  })
})
