/** What Alpaca's answers say of its limit, taken in by the service's own. */
import type { trading } from '@alpacahq/alpaca-trade-api/rest'
import type { Service } from 'holdfast'

/**
 * A copy of a part of the SDK's client whose answers, refusals included, tell the service's limiter how much of Alpaca's
 * limit is left. The client itself is not touched: it may be its owner's.
 */
export function withToldLimits<Part extends trading.BaseAPI>(part: Part, { rateLimiter }: Service): Part {
  return part.withPostMiddleware(async ({ response }) => rateLimiter?.learnFrom(response))
}
