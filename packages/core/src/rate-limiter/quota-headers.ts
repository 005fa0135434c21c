/** What answers say of the service's own limit. */
import type { Clock } from '../clock.ts'
import { headerOf, headersOf, sendersTime } from '../headers.ts'
import type { Quota } from './learned-quota.ts'

/** The old headers, each service with its own spelling: how many are left, and until when. */
const OLD_HEADERS = [
  ['x-ratelimit-remaining', 'x-ratelimit-reset'],
  ['ratelimit-remaining', 'ratelimit-reset'],
  ['x-rate-limit-remaining', 'x-rate-limit-reset'],
] as const

/**
 * Reads `RateLimit` (IETF draft "RateLimit header fields for HTTP": `"burst";r=5;t=30, "daily";r=900;t=3600`, of which the
 * one with least left counts) or the old `X-RateLimit-Remaining` and `X-RateLimit-Reset`, from the headers of an answer or
 * of an error that carries one.
 *
 * @returns undefined when there is nothing of the kind, or nothing that makes sense
 */
export function quotaOf(answer: unknown, clock: Clock): Quota | undefined {
  const headers = headersOf(answer)
  if (headers === undefined) return undefined
  const current = headerOf(headers, 'ratelimit')
  if (current !== undefined) return leastOf(current)
  for (const [remainingHeader, resetHeader] of OLD_HEADERS) {
    const remaining = numberIn(headerOf(headers, remainingHeader))
    const reset = numberIn(headerOf(headers, resetHeader))
    if (remaining === undefined || reset === undefined) continue
    return { remaining: Math.floor(remaining), resetMs: untilReset(reset, headerOf(headers, 'date'), clock) }
  }
  return undefined
}

function leastOf(header: string): Quota | undefined {
  let least: Quota | undefined
  // Names may hold anything, even what looks like figures.
  for (const item of header.replace(/"(?:[^"\\]|\\.)*"/g, '').split(',')) {
    const remaining = numberIn(/;\s*r=(\d{1,15})\s*(;|$)/.exec(item)?.[1])
    const seconds = numberIn(/;\s*t=(\d{1,10})\s*(;|$)/.exec(item)?.[1])
    if (remaining === undefined || seconds === undefined) continue
    if (least === undefined || remaining < least.remaining) least = { remaining, resetMs: seconds * 1_000 }
  }
  return least
}

function numberIn(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}(\.\d{1,9})?$/.test(text.trim()) ? Number(text) : undefined
}

/**
 * Some write seconds from now, some a time in seconds or milliseconds since 1970: no window is thirty years long. A time is
 * compared with the service's own clock where the answer tells it.
 */
function untilReset(reset: number, date: string | undefined, clock: Clock): number {
  if (reset < 1e9) return reset * 1_000
  return Math.max(0, (reset < 1e12 ? reset * 1_000 : reset) - sendersTime(date, clock))
}
