/** The kill switch: no new orders, while cancels go through. */

/** What the control needs of a kill switch. */
export interface KillSwitch {
  /** Whether new orders are stopped. */
  readonly engaged: boolean
  /** Stops new orders at once. @param note why, for whoever is refused */
  engage(note: string): void
  /** Lets new orders through again. */
  release(): void
}

/** New orders are stopped by a person. */
export class OrdersStoppedError extends Error {
  override readonly name = 'OrdersStoppedError'
  readonly code = 'GATEWAY_ORDERS_STOPPED'
}

/** Stands in front of new orders. */
export class OrderStop implements KillSwitch {
  #note: string | undefined

  get engaged(): boolean {
    return this.#note !== undefined
  }

  engage(note: string): void {
    this.#note = note
  }

  release(): void {
    this.#note = undefined
  }

  /** Ask before each new order. @throws OrdersStoppedError */
  check(): void {
    if (this.#note === undefined) return
    throw new OrdersStoppedError(`new orders are stopped (${this.#note}); nothing was sent, cancels go through`)
  }
}
