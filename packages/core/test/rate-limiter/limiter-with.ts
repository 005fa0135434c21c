import { VirtualClock } from '@holdfast/testing'
import { RateLimiter, type RateLimiterOptions } from 'holdfast'

/** A limiter, and the clock that it goes by. */
export function limiterWith(options: RateLimiterOptions): { clock: VirtualClock; limiter: RateLimiter } {
  const clock = new VirtualClock()
  return { clock, limiter: new RateLimiter({ clock, ...options }) }
}
