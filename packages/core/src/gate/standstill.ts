import type { StallLog } from '../pipeline/stall-log.ts'
import type { LatencyEstimate } from './latency-estimate.ts'

/**
 * When all slots are taken and no call has succeeded for so many times what nearly all take, nobody else is let wait: the
 * service hangs, although no time limit has proved it yet, and a queue behind it would only grow. With few slots that may be
 * chance, so that as many successes must be missing as are missing once in a million times: e^−14, if they came at random.
 */
const STUCK_TIMES = 1.5
const STUCK_SUCCESSES = 14

/**
 * Whether calls that hold all slots do not come to an end, as far as the last second shows how long they take.
 *
 * @param movedAt when a slot last came free by a success, or tokens did, or the queue began
 * @param active how many calls run
 */
export function standsStill(
  movedAt: number,
  now: number,
  active: number,
  latency: LatencyEstimate,
  stalls: StallLog,
): boolean {
  const usualMs = latency.cautiousMs(now)
  const stuckMs = now - movedAt
  if (usualMs === 0 || stuckMs <= STUCK_TIMES * usualMs) return false
  if (stuckMs * active < STUCK_SUCCESSES * latency.meanMs(now)) return false
  return !stalls.distorts(movedAt, now)
}
