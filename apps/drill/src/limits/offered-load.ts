/** More is asked of a provider than it allows, for minutes of the market's clock that pass in seconds. */
import type { VirtualClock } from '@holdfast/testing'
import { type Service, systemClock } from 'holdfast'

/** A provider that is asked too much. */
export interface Asked {
  readonly service: Service
  /** How many requests it allows a minute. */
  readonly perMinute: number
  /** Asks once. */
  readonly ask: () => Promise<unknown>
  /** Whether all that was sent to it has arrived, where nothing else tells. */
  readonly hasArrived?: () => boolean
}

/** How many times its limit is asked of each provider. */
const TIMES = 2

/** How far the clock goes at a time, in milliseconds: no request may arrive later than that on the provider's clock. */
const STEP_MS = 10

/** In how many turns of the event loop, which client and stand-in share, a request is answered with certainty. */
const TURNS = 100

/** For how long an SDK keeps what it is given, in milliseconds of the real clock. */
const SDK_MS = 2

/** In how many turns at the most what was sent has arrived. */
const MOST_TURNS = 100_000

/**
 * Asks all of them, evenly, for so many minutes; resolves when everybody has been answered or refused.
 *
 * @param timeIsUp told when the minutes are over, before those who still wait are waited for
 */
export async function offer(
  asked: readonly Asked[],
  minutes: number,
  clock: VirtualClock,
  { tick, timeIsUp }: { tick: (doneMs: number, ofMs: number) => void; timeIsUp: () => void },
): Promise<void> {
  const endMs = minutes * 60_000
  const offered = asked.map(() => 0)
  const underWay = new Set<Promise<unknown>>()
  for (let at = 0; at < endMs; at += STEP_MS) {
    for (const [index, { ask, perMinute }] of asked.entries()) {
      const due = Math.floor((at * perMinute * TIMES) / 60_000) + 1
      for (let count = offered[index] ?? 0; count < due; count++) {
        // Refused for want of a token, most of them: that is what is measured.
        const answer = ask().catch(() => undefined)
        underWay.add(answer)
        void answer.finally(() => underWay.delete(answer))
      }
      offered[index] = due
    }
    await clock.advance(STEP_MS)
    await answered(asked)
    if (at % 10_000 === 0) tick(at, endMs)
  }
  timeIsUp()
  while (underWay.size > 0) {
    await clock.advance(STEP_MS)
    await answered(asked)
  }
}

/** Waits, while the clock stands, until what is on the wire is answered; who waits for a token, with a slot, is not. */
async function answered(asked: readonly Asked[]): Promise<void> {
  const isOnTheWay = (turn: number): boolean =>
    (turn < TURNS && asked.some(({ service }) => (service.bulkhead?.active ?? 0) > 0)) ||
    asked.some(({ hasArrived }) => hasArrived?.() === false)
  // The SDK of TWS sends one message in a millisecond, by a clock that is not ours to move.
  await new Promise<void>((resolve) => void systemClock.setTimer(resolve, SDK_MS))
  for (let turn = 0; turn < MOST_TURNS && isOnTheWay(turn); turn++) {
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
