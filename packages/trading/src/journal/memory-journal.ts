import { AccountTakenError, JournalError } from '../errors.ts'
import { entryAfter, isSettled, type JournalEntry, type JournalEvent } from './journal-entry.ts'
import type { AccountJournal, KillSwitchState, OrderJournal } from './order-journal.ts'

/** How many settled orders of an account are remembered. */
const SETTLED_KEPT = 10_000

/** What is kept of one account. */
interface Book {
  /** Those that something may still happen to. */
  readonly open: Map<string, JournalEntry>
  /** The last ones, oldest first. */
  readonly settled: Map<string, JournalEntry>
  lastNumber: number
  killSwitch: KillSwitchState
  owner: MemoryAccount | undefined
}

/**
 * A journal that lives as long as the process: for tests, and for those who would rather lose orders at a crash than wait
 * for a disk. What it holds survives a {@link Broker} that is closed and opened again. Of each account it remembers the last
 * 10,000 orders that were settled, and all that are not.
 *
 * @example
 * const broker = createAlpacaBroker({ service, journal: memoryJournal(), keyId, secretKey })
 */
export function memoryJournal(): OrderJournal {
  const books = new Map<string, Book>()
  return {
    async claim(account) {
      const book = books.get(account) ?? newBook()
      books.set(account, book)
      if (book.owner !== undefined) throw new AccountTakenError(account, 'a broker of this process')
      book.owner = new MemoryAccount(account, book)
      return book.owner
    },
    async close() {
      for (const book of books.values()) book.owner = undefined
    },
  }
}

class MemoryAccount implements AccountJournal {
  readonly account: string
  readonly #book: Book

  constructor(account: string, book: Book) {
    this.account = account
    this.#book = book
  }

  async unsettled(): Promise<readonly JournalEntry[]> {
    return [...this.#book.open.values()]
  }

  async find(clientOrderId: string): Promise<JournalEntry | undefined> {
    return this.#find(clientOrderId)
  }

  async note(event: JournalEvent): Promise<void> {
    this.#checkOwned()
    const { open, settled } = this.#book
    const { clientOrderId } = event
    const entry = entryAfter(this.account, this.#find(clientOrderId), event)
    open.delete(clientOrderId)
    settled.delete(clientOrderId)
    if (isSettled(entry) && !entry.isDenied) settled.set(clientOrderId, entry)
    else open.set(clientOrderId, entry)
    const [oldest] = settled.keys()
    if (oldest !== undefined && settled.size > SETTLED_KEPT) settled.delete(oldest)
  }

  #find(clientOrderId: string): JournalEntry | undefined {
    return this.#book.open.get(clientOrderId) ?? this.#book.settled.get(clientOrderId)
  }

  async takeNumber(atLeast: number): Promise<number> {
    this.#checkOwned()
    this.#book.lastNumber = Math.max(this.#book.lastNumber + 1, atLeast)
    return this.#book.lastNumber
  }

  async killSwitch(): Promise<KillSwitchState> {
    return this.#book.killSwitch
  }

  async setKillSwitch(state: KillSwitchState): Promise<void> {
    this.#checkOwned()
    this.#book.killSwitch = state
  }

  onLost(): void {
    // Nobody can take an account from a process that it lives in.
  }

  async release(): Promise<void> {
    if (this.#book.owner === this) this.#book.owner = undefined
  }

  #checkOwned(): void {
    if (this.#book.owner !== this) throw new JournalError(`account ${this.account} was released; open the broker again`)
  }
}

function newBook(): Book {
  return {
    open: new Map(),
    settled: new Map(),
    lastNumber: 0,
    killSwitch: { engaged: false, by: null, reason: null, at: null },
    owner: undefined,
  }
}
