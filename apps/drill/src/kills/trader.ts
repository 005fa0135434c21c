/** A client of the gateway that wants each of its orders to be accepted, and knows only what it is told over HTTP. */
import type { Clock, Random } from 'holdfast'

/** The brokers whose orders are drilled. */
export type DrilledBroker = 'alpaca' | 'ib'

/** What a client was told last of one of its orders. */
export type Told = 'accepted' | 'refused' | 'in doubt' | 'nothing'

/** How many times it asks for one order: by far more than it takes. */
const MOST_REQUESTS = 400

/** How often it asks again of an order in doubt, at a broker that is never sent the same order twice. */
const MOST_DOUBTS = 4

/** How long a request may take, in milliseconds: more than the gateway gives it. */
const PATIENCE_MS = 10_000

export class Trader {
  readonly #address: () => Promise<string>
  readonly #broker: DrilledBroker
  readonly #clock: Clock
  readonly #random: Random
  /** How many requests were made, and how many of them got no answer because the gateway was gone. */
  requests = 0
  unanswered = 0

  constructor(options: {
    readonly address: () => Promise<string>
    readonly broker: DrilledBroker
    readonly clock: Clock
    readonly random: Random
  }) {
    this.#address = options.address
    this.#broker = options.broker
    this.#clock = options.clock
    this.#random = options.random
  }

  /** Asks for the order, under its one id, until it is accepted or refused, or nobody but an operator can tell. */
  async trade(clientOrderId: string): Promise<Told> {
    const side = this.#random() < 0.5 ? 'buy' : 'sell'
    const body = JSON.stringify({ symbol: 'AAPL', side, quantity: '1', type: 'market', clientOrderId })
    let told: Told = 'nothing'
    let doubts = 0
    for (let request = 0; request < MOST_REQUESTS; request++) {
      this.requests++
      const status = await this.#post(body)
      if (status === 200 || status === 201) return 'accepted'
      if (status === 400 || status === 403 || status === 422) return 'refused'
      if (status === 504) {
        told = 'in doubt'
        if (this.#broker === 'ib' && ++doubts === MOST_DOUBTS) return told
      }
      await new Promise<void>((resolve) => this.#clock.setTimer(resolve, 20 + this.#random() * 80))
    }
    return told
  }

  /** @returns the status, or undefined when there was no answer */
  async #post(body: string): Promise<number | undefined> {
    try {
      const answer = await fetch(`${await this.#address()}/v1/orders?broker=${this.#broker}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(PATIENCE_MS),
      })
      await answer.arrayBuffer()
      return answer.status
    } catch {
      // It was killed while it worked, or is not there yet: the same request again will tell.
      this.unanswered++
      return undefined
    }
  }
}
