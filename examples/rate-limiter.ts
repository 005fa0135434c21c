/**
 * One call a second and five at once, of which each desk may have three; then eight callers who wait their turn.
 *
 *   node --conditions=development examples/rate-limiter.ts
 */
import { RateLimiter, systemClock } from 'holdfast'

const limiter = new RateLimiter({
  tokensPerSecond: 1,
  burstSize: 5,
  perClient: { tokensPerSecond: 0.5, burstSize: 3 },
})

for (const client of ['desk-7', 'desk-7', 'desk-7', 'desk-7', 'desk-8', 'desk-8', 'desk-9']) {
  const { allowed, scope, remaining, retryAfterMs } = limiter.tryAcquire({ client })
  console.log(
    allowed
      ? `${client}: admitted, ${remaining} left (${scope})`
      : `${client}: refused (${scope}), back in ${retryAfterMs} ms`,
  )
}

const own = new RateLimiter({ tokensPerSecond: 10, burstSize: 2 })
const startedAt = systemClock.now()
const order: number[] = []
await Promise.all(Array.from({ length: 8 }, (_, caller) => own.execute(() => order.push(caller))))
const tookMs = systemClock.now() - startedAt
console.log(`eight callers, in order: ${order.join(' ')}`)
console.log(`two at once, then one every 100 ms: ${tookMs >= 599 ? 'took 600 ms or longer' : `took only ${tookMs} ms`}`)
