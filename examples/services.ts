/**
 * A platform with a broker and a data provider, each with its profile; what happens is told as events, and an operator
 * takes the broker out by hand.
 *
 *   node --conditions=development examples/services.ts
 */
import { createResilience, isRejection } from 'holdfast'

const resilience = createResilience({
  services: {
    alpaca: { profile: 'BROKER', retry: { baseDelayMs: 10 } },
    polygon: { profile: 'DATA_PROVIDER', retry: { baseDelayMs: 10 } },
  },
})
resilience.events.subscribe((event) => {
  if (event.type === 'circuit') console.log(`  event: ${event.name} is ${event.to} (${event.note ?? event.reason})`)
  else console.log(`  event: ${event.type} of ${event.service}.${event.operation}, attempt ${event.attempt}`)
})

const alpaca = resilience.service('alpaca')
const polygon = resilience.service('polygon')

const account = await alpaca.execute(
  async ({ attempt }) => {
    if (attempt === 1) throw Object.assign(new Error('bad gateway'), { status: 502 })
    return 'account'
  },
  { operation: 'getAccount', idempotent: true },
)
console.log(`alpaca answered: ${account}`)

alpaca.circuitBreaker?.trip('maintenance at the broker')
try {
  await alpaca.execute(async () => 'order', { operation: 'submitOrder', idempotent: false })
} catch (error) {
  console.log(`alpaca ${isRejection(error) ? 'refused' : 'failed'}: ${error}`)
}

const getQuote = polygon.wrap(async (symbol: string) => `quote of ${symbol}`)
console.log(`polygon answered: ${await getQuote('AAPL')}`)

for (const { name, profile, circuitBreaker, calls } of Object.values(resilience.snapshot().services)) {
  console.log(`${name} (${profile}): ${circuitBreaker?.state}, ${calls.succeeded} succeeded, ${calls.refused} refused`)
}
