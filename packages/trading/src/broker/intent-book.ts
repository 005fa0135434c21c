/** The intents that are not settled: in memory for whoever asks, and every change of them in the journal. */
import type { Clock } from 'holdfast'
import { InvalidRequestError, NotReadyError } from '../errors.ts'
import {
  entryAfter,
  isSettled,
  type JournalEntry,
  type JournalEvent,
  type ReconciliationEvidence,
} from '../journal/journal-entry.ts'
import type { AccountJournal } from '../journal/order-journal.ts'
import type { Reconciliation } from './reconciliation.ts'

/** An event of the journal without whose it is and when. */
export type Note = JournalEvent extends infer E
  ? E extends JournalEvent
    ? Omit<E, 'clientOrderId' | 'at'>
    : never
  : never

/** An intent that is not settled, or was just now. */
export interface OpenIntent {
  entry: JournalEntry
  doubt: Reconciliation | undefined
  /** What it counts as when a look finds it. */
  evidence: ReconciliationEvidence
}

export class IntentBook {
  readonly #account: string
  readonly #clock: Clock
  readonly #onFailure: (reason: Error) => void
  readonly #intents = new Map<string, OpenIntent>()
  #journal: AccountJournal | undefined

  /** @param options `onFailure`: the journal cannot be written any more */
  constructor(options: {
    readonly account: string
    readonly clock: Clock
    readonly onFailure: (reason: Error) => void
  }) {
    this.#account = options.account
    this.#clock = options.clock
    this.#onFailure = options.onFailure
  }

  /** The account's journal. @throws NotReadyError before the account is claimed */
  get journal(): AccountJournal {
    if (this.#journal !== undefined) return this.#journal
    throw new NotReadyError(`account ${this.#account} is not open yet; await open() first`)
  }

  set journal(journal: AccountJournal) {
    this.#journal = journal
  }

  /** The open intent of that id. */
  get(clientOrderId: string): OpenIntent | undefined {
    return this.#intents.get(clientOrderId)
  }

  /** @throws InvalidRequestError when there is none */
  need(clientOrderId: string): OpenIntent {
    const open = this.#intents.get(clientOrderId)
    if (open !== undefined) return open
    throw new InvalidRequestError('clientOrderId', clientOrderId, 'no order with this id is under way or in doubt')
  }

  /** Those in doubt, oldest first. */
  doubted(): readonly OpenIntent[] {
    return [...this.#intents.values()].filter(({ doubt }) => doubt !== undefined)
  }

  /** Those that may have left, in doubt or on their way. */
  underWay(): readonly OpenIntent[] {
    return [...this.#intents.values()].filter(({ entry: { state } }) => state === 'sending' || state === 'in-doubt')
  }

  /** What is known of an intent, settled ones included. */
  async find(clientOrderId: string): Promise<JournalEntry | undefined> {
    return this.#intents.get(clientOrderId)?.entry ?? (await this.journal.find(clientOrderId))
  }

  /** Takes up an entry that the journal has. */
  add(entry: JournalEntry): void {
    this.#intents.set(entry.clientOrderId, { entry, doubt: undefined, evidence: 'lookup' })
  }

  /** Begins an intent, or one that was never sent anew. */
  begin(event: Extract<JournalEvent, { type: 'intended' }>, before: JournalEntry | undefined): void {
    this.add(entryAfter(this.#account, before, event))
    this.#write(event, before === undefined).catch(() => undefined)
  }

  /** Known at once; on disk when the promise resolves. */
  async note(clientOrderId: string, note: Note): Promise<void> {
    const open = this.need(clientOrderId)
    const event: JournalEvent = { clientOrderId, at: this.#clock.wallTime(), ...note }
    open.entry = entryAfter(this.#account, open.entry, event)
    await this.#write(event)
  }

  /** As {@link note}, for what may be lost in a crash, since looking would tell again. That the disk fails is told to all. */
  noteLater(clientOrderId: string, note: Note): void {
    this.note(clientOrderId, note).catch(() => undefined)
  }

  /** Drops a settled intent: the journal knows it. */
  forget(clientOrderId: string): void {
    const open = this.#intents.get(clientOrderId)
    if (open !== undefined && isSettled(open.entry)) this.#intents.delete(clientOrderId)
  }

  async #write(event: JournalEvent, isNew = false): Promise<void> {
    try {
      await this.journal.note(event, isNew)
    } catch (error) {
      this.#onFailure(error instanceof Error ? error : new Error(String(error)))
      throw error
    }
  }
}
