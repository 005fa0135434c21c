/** What the journal's thread is asked, and what it answers. */
import type { JournalEntry, JournalEvent } from './journal-entry.ts'
import type { KillSwitchState } from './order-journal.ts'

/** A process, as others can recognise it. */
export interface Owner {
  readonly host: string
  /** Which processes its number is told among: in a container, others have the same numbers. */
  readonly pidSpace: string
  readonly pid: number
}

/** Ownership as it stands. Whoever has an older epoch has lost the account. */
export interface Ownership {
  readonly epoch: number
  readonly owner: Owner | null
  /** Grows while the owner lives. */
  readonly beats: number
}

/** What an owner writes, and must be on the disk: it stands in the log ahead of the database as well. */
export type AheadCommand = {
  readonly account: string
  readonly epoch: number
  /** Counts from 1 in every ownership. */
  readonly number: number
} & (
  | { readonly type: 'note'; readonly event: JournalEvent }
  | { readonly type: 'takeNumber'; readonly atLeast: number }
  | { readonly type: 'setKillSwitch'; readonly state: KillSwitchState }
)

/** What is asked. `epoch` is the asker's. */
export type JournalCommand =
  /** @param beats the number at which the owner stood still for so long that he must be dead */
  | { readonly type: 'claim'; readonly account: string; readonly owner: Owner; readonly beats: number | undefined }
  | { readonly type: 'beat'; readonly account: string; readonly epoch: number }
  /**
   * `flush`: all up to that number is on the disk when it is answered. `release` is answered with whether it is: otherwise
   * whoever is next needs the log ahead.
   */
  | {
      readonly type: 'flush' | 'release'
      readonly account: string
      readonly epoch: number
      readonly number: number
    }
  | AheadCommand
  | { readonly type: 'killSwitch' | 'unsettled'; readonly account: string }
  | { readonly type: 'find'; readonly account: string; readonly clientOrderId: string }
  | { readonly type: 'prune'; readonly before: number }

/** What each command is answered with. */
export interface JournalAnswers {
  readonly claim: { readonly isTaken: boolean; readonly now: Ownership }
  readonly beat: null
  readonly flush: null
  readonly release: boolean
  readonly note: null
  readonly takeNumber: number
  readonly setKillSwitch: null
  readonly killSwitch: KillSwitchState
  readonly unsettled: readonly JournalEntry[]
  readonly find: JournalEntry | null
  readonly prune: number
}

/** Why there is no answer: it cannot follow what is there, the account is lost, or the disk fails. */
export interface JournalFailure {
  readonly failure: 'conflict' | 'lost' | 'storage'
  readonly message: string
}

/** What a command is answered with. */
export type JournalReply<C extends JournalCommand = JournalCommand> =
  | { readonly answer: JournalAnswers[C['type']] }
  | JournalFailure
