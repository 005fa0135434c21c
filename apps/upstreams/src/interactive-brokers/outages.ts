import type { Clock, Timer } from 'holdfast'
import type { ServerEvent } from './tws-fault-rule.ts'

/** What an outage does to TWS. */
export interface OutageEffects {
  /** Tells all clients something that concerns no request. */
  readonly notify: (code: number, message: string) => void
  /** @param told whether clients are told what happened meanwhile */
  readonly restored: (told: boolean) => void
  readonly goDown: () => void
  readonly comeBack: () => void
}

const TEXTS: ReadonlyMap<number, string> = new Map([
  [1100, 'Connectivity between IB and Trader Workstation has been lost.'],
  [1101, 'Connectivity between IB and Trader Workstation has been restored - data lost.'],
  [1102, 'Connectivity between IB and Trader Workstation has been restored - data maintained.'],
  [1300, 'TWS socket port has been reset and this connection is being dropped.'],
  [2103, 'Market data farm connection is broken:usfarm'],
  [2104, 'Market data farm connection is OK:usfarm'],
  [2105, 'HMDS data farm connection is broken:ushmds'],
  [2106, 'HMDS data farm connection is OK:ushmds'],
  [2110, 'Connectivity between Trader Workstation and server is broken. It will be restored automatically.'],
  [2158, 'Sec-def data farm connection is OK:secdefil'],
])

/** What TWS says with a code. */
export function noticeText(code: number): string {
  return TEXTS.get(code) ?? `notice ${code}`
}

/** Times at which TWS has lost Interactive Brokers, or is not there at all. */
export class Outages {
  readonly #clock: Clock
  readonly #effects: OutageEffects
  #lost: { readonly timer: Timer; readonly restoredAs: 1101 | 1102 } | undefined
  #down: Timer | undefined

  constructor(clock: Clock, effects: OutageEffects) {
    this.#clock = clock
    this.#effects = effects
  }

  /** Whether TWS has lost Interactive Brokers. */
  get isLost(): boolean {
    return this.#lost !== undefined
  }

  begin(event: ServerEvent): void {
    switch (event.type) {
      case 'notice':
        return this.#effects.notify(event.code, event.message ?? noticeText(event.code))
      case '1100':
        this.#lost?.timer.cancel()
        this.#lost = {
          timer: this.#clock.setTimer(() => this.#restore(), event.forMs, false),
          restoredAs: event.restoredAs,
        }
        return this.#effects.notify(1100, noticeText(1100))
      case 'restart':
        this.#down?.cancel()
        this.#down = this.#clock.setTimer(() => this.#comeBack(), event.forMs, false)
        return this.#effects.goDown()
    }
  }

  /** Ends what is under way, now. */
  finish(): void {
    if (this.#lost !== undefined) this.#restore()
    if (this.#down !== undefined) this.#comeBack()
  }

  /** Forgets what is under way: nothing comes back. */
  forget(): void {
    this.#lost?.timer.cancel()
    this.#down?.cancel()
    this.#lost = undefined
    this.#down = undefined
  }

  #restore(): void {
    const lost = this.#lost
    if (lost === undefined) return
    lost.timer.cancel()
    this.#lost = undefined
    this.#effects.notify(lost.restoredAs, noticeText(lost.restoredAs))
    this.#effects.restored(lost.restoredAs === 1102)
  }

  #comeBack(): void {
    this.#down?.cancel()
    this.#down = undefined
    this.#effects.comeBack()
  }
}
