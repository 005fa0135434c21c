import type { Clock } from 'holdfast'
import { closeOf, dayAt, isTradingDay, openOf, tradingDayFrom } from './new-york-time.ts'

/** Monday 2026-01-05, 10:00 in New York. */
export const DEFAULT_START = Date.UTC(2026, 0, 5, 15, 0)

/**
 * The market's own time: it begins in trading hours whenever the process starts, runs at a settable speed, and can be
 * moved. Quotes, fills and bars are as of this time.
 */
export class MarketClock {
  readonly #clock: Clock
  #speed: number
  #base: number
  #since: number

  /** @param options `startsAt`: market time to begin with, ms since 1970; `speed`: market seconds in a second, default 1 */
  constructor(options: { readonly clock: Clock; readonly startsAt?: number; readonly speed?: number }) {
    this.#clock = options.clock
    this.#speed = options.speed ?? 1
    this.#base = options.startsAt ?? DEFAULT_START
    this.#since = this.#clock.now()
  }

  /** Market time, in milliseconds since 1970. */
  now(): number {
    return Math.floor(this.#base + (this.#clock.now() - this.#since) * this.#speed)
  }

  get speed(): number {
    return this.#speed
  }

  /** Whether the market trades: 9:30 to 16:00 in New York, Monday to Friday. */
  isOpen(at: number = this.now()): boolean {
    const day = dayAt(at)
    return isTradingDay(day) && at >= openOf(day) && at < closeOf(day)
  }

  /** The next opening after a moment. */
  nextOpen(at: number = this.now()): number {
    const day = tradingDayFrom(dayAt(at))
    return at < openOf(day) ? openOf(day) : openOf(tradingDayFrom(day + 1))
  }

  /** The next close after a moment. */
  nextClose(at: number = this.now()): number {
    const day = tradingDayFrom(dayAt(at))
    return at < closeOf(day) ? closeOf(day) : closeOf(tradingDayFrom(day + 1))
  }

  /** Moves market time forward. */
  advance(byMs: number): void {
    this.#base += byMs
  }

  /** Market seconds in a second; 0 stops the market. */
  setSpeed(speed: number): void {
    this.#base = this.now()
    this.#since = this.#clock.now()
    this.#speed = speed
  }
}
