import { atLeast, atMost, type Exercise } from '../exercise.ts'
import { killDrill } from './kill-drill.ts'

/** Orders that are wanted at a time. */
const AT_ONCE = 48

/** Alpaca's orders under faults and kills. */
export const kills: Exercise = {
  name: 'kills',
  title: 'Alpaca: orders under 10 % lost acknowledgements, 10 % refused connections, 5 % hangs, and kills',
  async run({ orders, kills }, seed, tick) {
    const result = await killDrill({ orders, kills, seed, atOnce: AT_ONCE, tick: (done) => tick(done, orders) })
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
  },
}
