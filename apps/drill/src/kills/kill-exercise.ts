import { atLeast, atMost, type Effort, type Exercise, type ExerciseResult } from '../exercise.ts'
import { killDrill } from './kill-drill.ts'
import type { DrilledBroker } from './trader.ts'

/** Orders that are wanted at a time. Those that a kill catches before they left stay in doubt at TWS, where nobody can tell. */
const AT_ONCE = { alpaca: 96, ib: 24 }

/** Alpaca's orders under faults and kills. */
export const kills: Exercise = {
  name: 'kills',
  title: 'Alpaca: orders under 10 % lost acknowledgements, 10 % refused connections, 5 % hangs, and kills',
  run: (effort, seed, tick) => drilled('alpaca', effort, seed, tick),
}

/** Interactive Brokers' orders under the like. */
export const killsOfTws: Exercise = {
  name: 'kills-ib',
  title: 'Interactive Brokers: orders under 10 % lost acknowledgements, 10 % refused connections, 5 % hangs, and kills',
  run: (effort, seed, tick) => drilled('ib', effort, seed, tick),
}

async function drilled(
  broker: DrilledBroker,
  { orders, kills }: Effort,
  seed: number,
  tick: (done: number, of: number) => void,
): Promise<ExerciseResult> {
  const result = await killDrill({
    broker,
    orders,
    kills,
    seed,
    atOnce: AT_ONCE[broker],
    tick: (done) => tick(done, orders),
  })
  const { intents, executedOnce, doubled, lost, accepted, refused, inDoubt, untrue } = result
  return {
    figures: [
      atMost('orders that were doubled', doubled, 0, ''),
      atMost('orders that were lost', lost, 0, ''),
      atMost('orders of which something untrue was said', untrue, 0, ''),
      atLeast('orders executed exactly once', executedOnce, intents - refused - inDoubt, ''),
      atLeast('kills', result.kills, kills, ''),
    ],
    details: {
      orders: intents,
      accepted,
      refused,
      'in doubt at the end': inDoubt,
      'in doubt for a while': result.everInDoubt,
      'attempts at the broker': result.attempts,
      'requests of clients': result.requests,
      'of them unanswered': result.unanswered,
      seconds: Math.round(result.durationMs / 1_000),
    },
  }
}
