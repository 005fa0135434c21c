/** A little traffic in front of the stand-ins, over the gateway's own routes, so that the console has something to show. */
import type { Clock, Random, Timer } from 'holdfast'

/** Symbols that the stand-ins have real prices of. */
const SYMBOLS = ['AAPL', 'MSFT', 'AMZN', 'GOOG', 'IBM'] as const

/** Mean time between two requests, in milliseconds. */
const MEAN_PAUSE_MS = 220

/** How long a request may take, in milliseconds. */
const PATIENCE_MS = 20_000

/** How many requests are under way at most: more would only wait. */
const MOST_UNDER_WAY = 24

interface Wanted {
  /** Its share of all requests. */
  readonly share: number
  readonly path: (symbol: string) => string
  readonly order?: true
}

/** What a small trading desk asks for. */
const REQUESTS: readonly Wanted[] = [
  { share: 0.42, path: (symbol) => `/v1/quotes/${symbol}` },
  { share: 0.24, path: (symbol) => `/v1/bars/${symbol}?from=2025-12-01&to=2025-12-31` },
  { share: 0.02, path: () => '/v1/series/PAYEMS?from=2010-01-01&maxAgeMs=60000' },
  { share: 0.11, path: () => '/v1/account' },
  { share: 0.09, path: () => '/v1/positions' },
  { share: 0.04, path: () => '/v1/orders', order: true },
  { share: 0.05, path: () => '/v1/account?broker=ib' },
  { share: 0.03, path: () => '/v1/positions?broker=ib' },
]

/** Makes the traffic, from its construction until it is stopped. */
export class BackgroundTraffic {
  readonly #address: string
  readonly #clock: Clock
  readonly #random: Random
  readonly #underWay = new Set<Promise<void>>()
  readonly #end = new AbortController()
  #timer: Timer

  /** @param address the gateway's */
  constructor(address: string, clock: Clock, random: Random) {
    this.#address = address
    this.#clock = clock
    this.#random = random
    this.#timer = this.#next()
  }

  /** Stops, and gives up what is under way. */
  async stop(): Promise<void> {
    this.#timer.cancel()
    this.#end.abort()
    await Promise.all(this.#underWay)
  }

  #next(): Timer {
    // Exponential pauses: requests that come as they please.
    const pause = -Math.log(1 - this.#random()) * MEAN_PAUSE_MS
    return this.#clock.setTimer(
      () => {
        if (this.#underWay.size < MOST_UNDER_WAY) this.#ask()
        this.#timer = this.#next()
      },
      pause,
      false,
    )
  }

  #ask(): void {
    const { path, order } = this.#draw()
    const symbol = SYMBOLS[Math.floor(this.#random() * SYMBOLS.length)] ?? 'AAPL'
    const side = this.#random() < 0.5 ? 'buy' : 'sell'
    const headers = { 'x-api-key': 'background-traffic', 'content-type': 'application/json' }
    const asked = fetch(`${this.#address}${path(symbol)}`, {
      headers,
      signal: AbortSignal.any([this.#end.signal, AbortSignal.timeout(PATIENCE_MS)]),
      ...(order && { method: 'POST', body: JSON.stringify({ symbol, side, quantity: '1', type: 'market' }) }),
    })
      .then((answer) => answer.arrayBuffer())
      // Whatever becomes of it is seen on the console.
      .then(
        () => undefined,
        () => undefined,
      )
      .finally(() => this.#underWay.delete(asked))
    this.#underWay.add(asked)
  }

  #draw(): Wanted {
    let draw = this.#random()
    for (const wanted of REQUESTS) {
      draw -= wanted.share
      if (draw < 0) return wanted
    }
    return { share: 0, path: () => '/v1/account' }
  }
}
