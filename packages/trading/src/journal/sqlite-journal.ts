/** The journal on disk: written ahead, in groups, in a thread of its own. Needs `node:sqlite`: Node 22.13 or later. */
import { resolve } from 'node:path'
import { type Clock, InvalidOptionError, systemClock, type Timer } from 'holdfast'
import { AccountLostError, AccountTakenError, JournalError, TradingError } from '../errors.ts'
import { AheadFile } from './ahead-file.ts'
import { AheadLog } from './ahead-log.ts'
import { aheadPath, removeTakenLog } from './ahead-path.ts'
import type { AheadCommand, JournalAnswers, JournalCommand, JournalReply, Owner } from './journal-command.ts'
import { JournalConnection } from './journal-connection.ts'
import { entryAfter, isSettled, type JournalEntry, type JournalEvent } from './journal-entry.ts'
import type { AccountJournal, KillSwitchState, OrderJournal } from './order-journal.ts'
import { thisProcess } from './owner.ts'

const DAY_MS = 86_400_000

/** How a journal on disk is kept. */
export interface JournalOptions {
  /**
   * After how long without a sign of life a process loses its accounts, in milliseconds. A process that is known to be dead
   * loses them at once. Default 10,000.
   */
  readonly leaseMs?: number | undefined
  /** For how long settled orders are kept, in days. What is not settled is kept for ever. Default 400. */
  readonly retentionDays?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/**
 * Opens the journal in a file, which is made if it is not there.
 *
 * @throws JournalError when the file cannot be used, InvalidOptionError when an option makes no sense
 * @example
 * const journal = await openJournal('orders.db')
 * const broker = createAlpacaBroker({ service, journal, keyId, secretKey })
 */
export async function openJournal(file: string, options: JournalOptions = {}): Promise<OrderJournal> {
  const { leaseMs = 10_000, retentionDays = 400, clock = systemClock } = options
  checkNumber('leaseMs', leaseMs, 100, 3_600_000)
  checkNumber('retentionDays', retentionDays, 1, 36_500)
  // A process that changes its folder has lost nothing.
  const path = resolve(file)
  const connection = new JournalConnection(path, clock)
  await connection.opened()
  const journal = new SqliteJournal(path, connection, { leaseMs, retentionDays, clock })
  await journal.prune()
  return journal
}

class SqliteJournal implements OrderJournal {
  readonly #path: string
  readonly #connection: JournalConnection
  readonly #options: { readonly leaseMs: number; readonly retentionDays: number; readonly clock: Clock }
  readonly #accounts = new Set<SqliteAccount>()
  #pruning: Timer | undefined

  constructor(
    path: string,
    connection: JournalConnection,
    options: { readonly leaseMs: number; readonly retentionDays: number; readonly clock: Clock },
  ) {
    this.#path = path
    this.#connection = connection
    this.#options = options
  }

  async claim(account: string): Promise<AccountJournal> {
    const { clock, leaseMs } = this.#options
    const owner = thisProcess()
    let { isTaken, now } = await this.#ask({ type: 'claim', account, owner, beats: undefined })
    if (isTaken) {
      // Nobody's clock is compared with anybody's: who gives no sign of life while we watch is dead.
      await new Promise<void>((resolve) => clock.setTimer(resolve, leaseMs))
      ;({ isTaken, now } = await this.#ask({ type: 'claim', account, owner, beats: now.beats }))
    }
    if (isTaken) throw new AccountTakenError(account, described(now.owner))
    const { epoch } = now
    const claimed = new SqliteAccount(account, epoch, this.#connection, await this.#makeAhead(account, epoch), {
      clock,
      leaseMs,
    })
    this.#accounts.add(claimed)
    return claimed
  }

  async close(): Promise<void> {
    this.#pruning?.cancel()
    await Promise.all([...this.#accounts].map((account) => account.release()))
    await this.#connection.close()
  }

  async #makeAhead(account: string, epoch: number): Promise<AheadFile> {
    const path = aheadPath(this.#path, account, epoch)
    // Of another database, which had this name before.
    removeTakenLog(path)
    try {
      return await AheadFile.create(path)
    } catch (error) {
      await this.#ask({ type: 'release', account, epoch, number: 0 })
      throw error
    }
  }

  /** Forgets what was settled long ago, now and every day. */
  async prune(): Promise<void> {
    const { clock, retentionDays } = this.#options
    await this.#ask({ type: 'prune', before: Math.floor(clock.wallTime() - retentionDays * DAY_MS) })
    this.#pruning = clock.setTimer(() => void this.prune().catch(() => undefined), DAY_MS, false)
  }

  async #ask<C extends JournalCommand>(command: C): Promise<JournalAnswers[C['type']]> {
    const reply = await this.#connection.ask(command)
    if ('answer' in reply) return reply.answer
    throw new JournalError(reply.message)
  }
}

class SqliteAccount implements AccountJournal {
  readonly account: string
  readonly #epoch: number
  readonly #connection: JournalConnection
  readonly #log: AheadLog
  readonly #clock: Clock
  readonly #beatMs: number
  readonly #onLost: ((reason: Error) => void)[] = []
  /** Those that began here and are not settled: what may follow is known without asking. */
  readonly #begun = new Map<string, JournalEntry>()
  /** How many commands. */
  #written = 0
  #timer: Timer | undefined
  #lost: Error | undefined
  #isReleased = false

  constructor(
    account: string,
    epoch: number,
    connection: JournalConnection,
    ahead: AheadFile,
    { clock, leaseMs }: { readonly clock: Clock; readonly leaseMs: number },
  ) {
    this.account = account
    this.#epoch = epoch
    this.#connection = connection
    this.#log = new AheadLog(account, ahead, () => this.#ask({ type: 'flush', account, epoch, number: this.#written }))
    this.#clock = clock
    this.#beatMs = leaseMs / 4
    this.#beatLater()
  }

  unsettled(): Promise<readonly JournalEntry[]> {
    return this.#ask({ type: 'unsettled', account: this.account })
  }

  async find(clientOrderId: string): Promise<JournalEntry | undefined> {
    return (await this.#ask({ type: 'find', account: this.account, clientOrderId })) ?? undefined
  }

  async note(event: JournalEvent, isNew = false): Promise<void> {
    const { clientOrderId } = event
    const before = this.#begun.get(clientOrderId)
    if (before === undefined && !(isNew && event.type === 'intended')) {
      await this.#write({ type: 'note', event, ...this.#numbered() })
      return
    }
    const now = entryAfter(this.account, before, event)
    if (isSettled(now)) this.#begun.delete(clientOrderId)
    else this.#begun.set(clientOrderId, now)
    await this.#writeFirst({ type: 'note', event, ...this.#numbered() })
  }

  takeNumber(atLeast: number): Promise<number> {
    return this.#write({ type: 'takeNumber', atLeast, ...this.#numbered() })
  }

  killSwitch(): Promise<KillSwitchState> {
    return this.#ask({ type: 'killSwitch', account: this.account })
  }

  async setKillSwitch(state: KillSwitchState): Promise<void> {
    await this.#write({ type: 'setKillSwitch', state, ...this.#numbered() })
  }

  onLost(listener: (reason: Error) => void): void {
    if (this.#lost === undefined) this.#onLost.push(listener)
    else listener(this.#lost)
  }

  async release(): Promise<void> {
    if (this.#isReleased) return
    this.#isReleased = true
    this.#timer?.cancel()
    try {
      const { account } = this
      const isWhole = await this.#ask({ type: 'release', account, epoch: this.#epoch, number: this.#written })
      // The database has been flushed, and nobody needs it.
      if (isWhole) await this.#log.remove()
    } finally {
      await this.#log.close()
    }
  }

  #beatLater(): void {
    this.#timer = this.#clock.setTimer(() => void this.#beat(), this.#beatMs, false)
  }

  async #beat(): Promise<void> {
    try {
      await this.#ask({ type: 'beat', account: this.account, epoch: this.#epoch })
      if (!this.#isReleased) this.#beatLater()
    } catch {
      // Who must know was told by #ask.
    }
  }

  #numbered(): { readonly account: string; readonly epoch: number; readonly number: number } {
    return { account: this.account, epoch: this.#epoch, number: ++this.#written }
  }

  /** On the disk when it resolves: carried out by the database, which does not flush, and flushed in the log meanwhile. */
  async #write<C extends AheadCommand>(command: C): Promise<JournalAnswers[C['type']]> {
    const [answer] = await Promise.all([this.#ask(command), this.#writeAhead(command)])
    return answer
  }

  /** The same where it is known that the database will not refuse it: it is asked later. */
  async #writeFirst(command: AheadCommand): Promise<void> {
    const carriedOut = this.#answered(this.#connection.askLater(command))
    carriedOut.catch((error: Error) => this.#lose(error))
    await this.#writeAhead(command)
  }

  async #writeAhead(command: AheadCommand): Promise<void> {
    try {
      await this.#log.append(command)
    } catch (error) {
      if (error instanceof TradingError) throw this.#lose(error)
      throw this.#lose(new JournalError('the journal cannot be written: its log ahead fails', { cause: error }))
    }
  }

  #ask<C extends JournalCommand>(command: C): Promise<JournalAnswers[C['type']]> {
    return this.#answered(this.#connection.ask(command))
  }

  async #answered<C extends JournalCommand>(asked: Promise<JournalReply<C>>): Promise<JournalAnswers[C['type']]> {
    let reply: JournalReply<C>
    try {
      reply = await asked
    } catch (error) {
      throw this.#lose(error instanceof Error ? error : new JournalError(String(error)))
    }
    if ('answer' in reply) return reply.answer
    if (reply.failure === 'lost') throw this.#lose(new AccountLostError(this.account))
    const error = new JournalError(reply.message)
    throw reply.failure === 'storage' ? this.#lose(error) : error
  }

  #lose(reason: Error): Error {
    if (this.#lost === undefined && !this.#isReleased) {
      this.#lost = reason
      this.#timer?.cancel()
      for (const tell of this.#onLost.splice(0)) tell(reason)
    }
    // What follows a failure fails because of it.
    return this.#lost ?? reason
  }
}

function described(owner: Owner | null): string {
  return owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`
}

function checkNumber(field: string, value: number, least: number, most: number): void {
  if (Number.isFinite(value) && value >= least && value <= most) return
  throw new InvalidOptionError(field, value, `it must be a number from ${least} to ${most}`)
}
