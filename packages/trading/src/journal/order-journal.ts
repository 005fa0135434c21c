/** What a desk asks of a journal. `openJournal` keeps it on disk; {@link memoryJournal} forgets with the process. */
import type { JournalEntry, JournalEvent } from './journal-entry.ts'

/** Whether new orders are stopped, who said so and why. */
export interface KillSwitchState {
  readonly engaged: boolean
  readonly by: string | null
  readonly reason: string | null
  /** When it was last turned, in milliseconds since 1970; null when it never was. */
  readonly at: number | null
}

/** A journal of orders, for any number of accounts. */
export interface OrderJournal {
  /**
   * Makes this process the owner of an account, until it is released or lost.
   *
   * @throws AccountTakenError when another process owns it
   */
  claim(account: string): Promise<AccountJournal>
  /** Releases all accounts and closes. */
  close(): Promise<void>
}

/** The journal of one account, in the hands of its owner. */
export interface AccountJournal {
  readonly account: string
  /** Entries that are not settled, or denied by an operator (which the broker may contradict), oldest first. */
  unsettled(): Promise<readonly JournalEntry[]>
  find(clientOrderId: string): Promise<JournalEntry | undefined>
  /**
   * Writes an event down. It is on disk when the promise resolves; what is noted in the same moment is written at once.
   *
   * @param isNew of an event `intended`: nothing was ever noted under this id, as {@link AccountJournal.find} has said or
   *   because the id was made just now; the journal then need not look itself before it is written
   * @throws JournalError when it cannot be written, or cannot follow what is there; AccountLostError when another process
   *   has taken the account: then nothing was written and nothing may be sent
   */
  note(event: JournalEvent, isNew?: boolean): Promise<void>
  /**
   * A number that was never given before and never will be, at least `atLeast`, for brokers that want orders numbered. It
   * is on disk before it is returned.
   */
  takeNumber(atLeast: number): Promise<number>
  killSwitch(): Promise<KillSwitchState>
  setKillSwitch(state: KillSwitchState): Promise<void>
  /** Told once when the account was lost to another process, or the journal failed for good. */
  onLost(listener: (reason: Error) => void): void
  /** Gives the account up, so that another process can have it at once. */
  release(): Promise<void>
}
