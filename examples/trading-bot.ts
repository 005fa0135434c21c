/**
 * A small strategy that trades the stand-ins through an outage: it buys what is cheaper than it usually is and sells it when
 * it is not, while acknowledgements are lost, connections break and the broker hangs. In the end it is flat, and its books
 * are those of the broker: no order was doubled, none was forgotten.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Broker, OrderOutcome, OrderSide } from '@holdfast/trading'
import { createAlpacaBroker } from '@holdfast/trading/alpaca'
import { openJournal } from '@holdfast/trading/journal'
import { createMarketData, type MarketData } from '@holdfast/trading/market-data'
import { createPolygonDataProvider } from '@holdfast/trading/polygon'
import { startUpstreams } from '@holdfast/upstreams'
import { createResilience } from 'holdfast'

const SYMBOLS = ['AAPL', 'MSFT', 'IBM']
const MINUTES = 20
/** The minutes in which things fail. */
const OUTAGE = { from: 3, until: 17 }
const QUANTITY = 10

/** What the strategy knows: what it holds, and which orders the broker has accepted. */
class Book {
  readonly held = new Map<string, number>()
  readonly accepted: string[] = []
  lookedUp = 0

  note(symbol: string, side: OrderSide, quantity: number, outcome: OrderOutcome): void {
    if (outcome.status !== 'accepted') return
    this.accepted.push(outcome.clientOrderId)
    if (outcome.evidence !== 'answer') this.lookedUp++
    this.held.set(symbol, (this.held.get(symbol) ?? 0) + (side === 'buy' ? quantity : -quantity))
  }
}

/** Trades, and does not go on before it is known what became of the order. */
async function trade(broker: Broker, book: Book, symbol: string, side: OrderSide, quantity: number): Promise<void> {
  let outcome = await broker.submitOrder({ symbol, side, quantity: String(quantity), type: 'market' })
  while (outcome.status === 'in-doubt') outcome = await broker.reconcile(outcome)
  book.note(symbol, side, quantity, outcome)
}

/** One look at the market: below its usual price it is bought, above it is sold. */
async function decide(broker: Broker, data: MarketData, book: Book, usual: Map<string, number>): Promise<void> {
  for (const symbol of SYMBOLS) {
    const { value } = await data.quote(symbol, { maxAgeMs: 30_000 })
    const price = (value.bid + value.ask) / 2
    const average = usual.get(symbol) ?? price
    usual.set(symbol, 0.8 * average + 0.2 * price)
    const held = book.held.get(symbol) ?? 0
    if (price < average && held === 0) await trade(broker, book, symbol, 'buy', QUANTITY)
    if (price > average && held > 0) await trade(broker, book, symbol, 'sell', held)
  }
}

const folder = mkdtempSync(join(tmpdir(), 'trading-bot-'))
const standIns = await startUpstreams({ seed: 7, ports: { control: 0 } })
const resilience = createResilience({
  services: {
    alpaca: {
      profile: 'BROKER',
      attemptTimeoutMs: 250,
      retry: { baseDelayMs: 20 },
      rateLimiter: { tokensPerSecond: 500, burstSize: 500 },
      circuitBreaker: { recoveryTimeoutMs: 100 },
    },
    polygon: { profile: 'DATA_PROVIDER', rateLimiter: { tokensPerSecond: 100, burstSize: 100 } },
  },
})
const polygon = createPolygonDataProvider({
  service: resilience.service('polygon'),
  apiKey: 'bot',
  baseUrl: standIns.urls.polygon,
})
// The stand-ins have a market time of their own, by which a quote is young or old.
const clock = { wallTime: () => standIns.control.marketTime }
const data = createMarketData({ bars: [polygon], quotes: [polygon], clock })
const journal = await openJournal(join(folder, 'orders.db'))
const broker = createAlpacaBroker({
  service: resilience.service('alpaca'),
  journal,
  reconciliation: { settleMs: 200 },
  keyId: 'bot',
  secretKey: 'bot',
  tradingUrl: standIns.urls.alpaca,
})

const book = new Book()
const usual = new Map<string, number>()
for (let minute = 0; minute < MINUTES; minute++) {
  if (minute === OUTAGE.from) {
    standIns.control.setFaults('alpaca', [
      { match: { method: 'POST', probability: 0.3 }, action: { type: 'resetAfter' } },
      { match: { method: 'POST', probability: 0.3 }, action: { type: 'reset' } },
      { match: { method: 'POST', probability: 0.2 }, action: { type: 'hang', where: 'after' } },
      { match: { method: 'GET', probability: 0.2 }, action: { type: 'status', code: 502 } },
    ])
    console.log(`minute ${minute}: the broker loses acknowledgements, breaks connections, hangs`)
  }
  if (minute === OUTAGE.until) {
    standIns.control.clearFaults('alpaca')
    console.log(`minute ${minute}: the broker is well again`)
  }
  await decide(broker, data, book, usual)
  standIns.control.moveClock({ advanceMs: 60_000 })
}

// The end of the day: everything is sold.
for (const [symbol, held] of book.held) if (held > 0) await trade(broker, book, symbol, 'sell', held)
standIns.control.moveClock({ advanceMs: 60_000 })

const positions = await broker.getPositions()
const executed = standIns.control
  .ledger()
  .flatMap(({ kind, clientOrderId }) => (kind === 'submit' ? [clientOrderId] : []))
const same = [...book.accepted].sort().join() === [...executed].sort().join()
console.log(
  `orders: ${book.accepted.length} in the books, ${executed.length} in the ledger: ${same ? 'the same' : 'NOT THE SAME'}`,
)
console.log(
  `looked up after doubt: ${book.lookedUp}; doubled: ${standIns.control.duplicates().length}; in doubt: ${broker.inDoubt().length}`,
)
console.log(positions.length === 0 ? 'flat' : `NOT FLAT: ${positions.map(({ symbol }) => symbol).join(', ')}`)

await broker.close()
await journal.close()
await standIns.close()
rmSync(folder, { recursive: true })
