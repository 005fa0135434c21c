import type { Clock, Random } from 'holdfast'
import { gaussian } from '../market/chance.ts'
import type { Latency } from './occurrence.ts'

/** How long a `latency` fault takes this time, in milliseconds. */
export function latencyMs(action: Latency, random: Random): number {
  switch (action.dist) {
    case undefined:
    case 'fixed':
      return action.ms
    case 'uniform':
      return action.minMs + random() * (action.maxMs - action.minMs)
    case 'lognormal':
      return action.medianMs * Math.exp(action.sigma * gaussian(random))
    case 'pareto':
      return Math.min(action.xm / (1 - random()) ** (1 / action.alpha), 86_400_000)
  }
}

/** Waits by the clock, without keeping the process alive; no time is no wait. */
export function delay(clock: Clock, durationMs: number): Promise<void> {
  if (durationMs <= 0) return Promise.resolve()
  return new Promise((resolve) => clock.setTimer(resolve, durationMs, false))
}
