/** The kill switch: no new orders, while cancels go through. */
import type { Broker } from '@holdfast/trading'

/** What the control needs of a kill switch. */
export interface KillSwitch {
  /** Whether new orders are stopped. */
  readonly engaged: boolean
  /** Stops new orders at once. @param note why, for whoever is refused */
  engage(note: string): void
  /** Lets new orders through again. */
  release(note: string): void
}

/** The kill switches of all brokers, turned together: each holds at once, and writes it into its journal. */
export class OrderStop implements KillSwitch {
  readonly #brokers: readonly Broker[]
  readonly #onError: (error: unknown) => void

  /** @param onError told when a broker's journal cannot be written; its switch holds nevertheless, until the process ends */
  constructor(brokers: readonly Broker[], onError: (error: unknown) => void) {
    this.#brokers = brokers
    this.#onError = onError
  }

  get engaged(): boolean {
    return this.#brokers.some(({ killSwitch }) => killSwitch.engaged)
  }

  engage(note: string): void {
    for (const broker of this.#brokers) broker.engageKillSwitch({ by: 'gateway', reason: note }).catch(this.#onError)
  }

  release(note: string): void {
    for (const broker of this.#brokers) broker.releaseKillSwitch({ by: 'gateway', reason: note }).catch(this.#onError)
  }
}
