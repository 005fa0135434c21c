import { seededRandom } from '@holdfast/testing'
import type { Clock, Random } from 'holdfast'
import type { OrderEvent } from './alpaca/order.ts'
import { OrderBook } from './alpaca/order-book.ts'
import { Ledger } from './ledger.ts'
import { Market } from './market/market.ts'
import { MarketClock } from './market/market-clock.ts'
import { SimulatedClock } from './simulated-clock.ts'
import { WireLog } from './wire-log.ts'
import { Consents } from './yahoo/consents.ts'
import { Crumbs } from './yahoo/crumbs.ts'

/** What the stand-ins of a process simulate together: one time, one market, one account, one record of what happened. */
export class Simulation {
  readonly clock: SimulatedClock
  readonly ledger: Ledger = new Ledger()
  readonly log: WireLog = new WireLog()
  /** Everything random follows from the seed. */
  readonly random: Random = () => this.#random()
  /** For how long after it was booked a lookup by client order id does not find an order, in milliseconds. */
  visibilityLagMs = 0
  /** Yahoo's cookies and crumbs. */
  readonly crumbs: Crumbs = new Crumbs()
  /** Visitors of Yahoo who were asked to agree. */
  readonly consents: Consents = new Consents()
  readonly #orderListeners: ((event: OrderEvent) => void)[] = []
  #seed: number
  #random: Random
  #marketClock: MarketClock
  #market: Market
  #book: OrderBook

  constructor(seed: number, clock: Clock) {
    this.clock = new SimulatedClock(clock)
    this.#seed = seed
    this.#random = seededRandom(seed)
    this.#marketClock = new MarketClock({ clock: this.clock })
    this.#market = new Market({ seed, marketClock: this.#marketClock })
    this.#book = this.#openBook()
  }

  get marketClock(): MarketClock {
    return this.#marketClock
  }

  get market(): Market {
    return this.#market
  }

  /** Alpaca's books. */
  get book(): OrderBook {
    return this.#book
  }

  /** Hears of what happens to Alpaca's orders, in whichever book. */
  onOrderEvent(listener: (event: OrderEvent) => void): void {
    this.#orderListeners.push(listener)
  }

  /** As if just started, with this seed or the one before. */
  reset(seed: number = this.#seed): void {
    this.#seed = seed
    this.#random = seededRandom(seed)
    this.#marketClock = new MarketClock({ clock: this.clock })
    this.#market = new Market({ seed, marketClock: this.#marketClock })
    this.#book = this.#openBook()
    this.ledger.reset()
    this.log.reset()
    this.crumbs.rotate()
    this.consents.reset()
    this.visibilityLagMs = 0
  }

  #openBook(): OrderBook {
    return new OrderBook({
      market: this.#market,
      marketClock: this.#marketClock,
      ledger: this.ledger,
      clock: this.clock,
      listener: (event) => {
        for (const listener of this.#orderListeners) listener(event)
      },
    })
  }
}
