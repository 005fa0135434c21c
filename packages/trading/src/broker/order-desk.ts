/** The orders of one account: which are under way, which are in doubt, and whether new ones may leave. */
import { type Clock, type HookErrorReporter, Listeners, type Service, type Unsubscribe } from 'holdfast'
import { InvalidRequestError, KillSwitchError, NotReadyError, OrderInDoubtError } from '../errors.ts'
import { isSettled, type JournalEntry, type ReconciliationEvidence } from '../journal/journal-entry.ts'
import type { KillSwitchState, OrderJournal } from '../journal/order-journal.ts'
import type { BrokerAdapter } from './broker-adapter.ts'
import type { BrokerEvent } from './broker-event.ts'
import { IntentBook, type Note } from './intent-book.ts'
import { type Intent, type Order, sameIntent } from './order.ts'
import { type OrderOutcome, outcomeOf } from './order-outcome.ts'
import { Reconciliation } from './reconciliation.ts'
import { Submission } from './submission.ts'
import { TOO_LATE, waitUntil } from './wait.ts'

/** What settles an intent. */
type Settlement = Extract<Note, { type: 'accepted' | 'refused' | 'never-sent' | 'reconciled' | 'resolved' }>

/** An event without whose it is and when. */
type News = BrokerEvent extends infer E ? (E extends BrokerEvent ? Omit<E, 'at' | 'account'> : never) : never

/** How long somebody waits. */
export interface Patience {
  readonly timeoutMs: number
  readonly signal: AbortSignal | undefined
}

/** What a desk is made of. */
export interface OrderDeskOptions {
  readonly account: string
  readonly adapter: BrokerAdapter
  readonly service: Service
  readonly journal: OrderJournal
  readonly clock: Clock
  readonly looks: number
  readonly settleMs: number
  readonly report: HookErrorReporter
  /** Cancels an order that was found although nobody wants it any more. */
  readonly cancel: (orderId: string) => Promise<unknown>
}

export class OrderDesk {
  readonly account: string
  readonly adapter: BrokerAdapter
  readonly service: Service
  readonly clock: Clock
  readonly events: Listeners<BrokerEvent>
  readonly book: IntentBook
  readonly #options: OrderDeskOptions
  readonly #running = new Map<string, { readonly submission: Submission; readonly outcome: Promise<OrderOutcome> }>()
  /** What an operator has said that the broker never had, here or in an earlier process: few, since each is a person's word. */
  readonly #denied = new Map<string, JournalEntry>()
  #claimed: Promise<void> | undefined
  #recovered: Promise<void> | undefined
  readonly #subscriptions: (Unsubscribe | undefined)[] = []
  #killSwitch: KillSwitchState = { engaged: false, by: null, reason: null, at: null }
  /** How often it has been turned. */
  #turns = 0
  #lost: Error | undefined
  #isClosed = false
  #hasUrgentLook = false

  constructor(options: OrderDeskOptions) {
    const { account, adapter, service, clock, report } = options
    this.account = account
    this.adapter = adapter
    this.service = service
    this.clock = clock
    this.events = new Listeners('events listener of a broker', report)
    this.book = new IntentBook({ account, clock, onFailure: (reason) => this.#lose(reason) })
    this.#options = options
  }

  // 1. Beginning: the account is claimed, and what an earlier process left is looked up before anything new is sent.

  /** Resolves when new orders may be sent: what an earlier process left has been looked up. */
  async ready(): Promise<void> {
    await this.claim()
    await this.#recovered
  }

  /** Makes this process the owner of the account, and begins to recover. Asked again after it failed, it tries again. */
  claim(): Promise<void> {
    this.#claimed ??= this.#claim().catch((error: unknown) => {
      this.#claimed = undefined
      throw error
    })
    return this.#claimed
  }

  async #claim(): Promise<void> {
    if (this.#isClosed) throw this.#closedError()
    const journal = await this.#options.journal.claim(this.account)
    if (this.#isClosed) {
      await journal.release()
      throw this.#closedError()
    }
    journal.onLost((reason) => this.#lose(reason))
    const killSwitch = await journal.killSwitch()
    if (!this.#killSwitch.engaged) this.#killSwitch = killSwitch
    this.#subscriptions.push(
      this.adapter.onOrder?.((order) => this.prove(order.clientOrderId, order, 'stream')),
      this.service.circuitBreaker?.onStateChange(({ to }) => {
        if (to === 'CLOSED') for (const { doubt } of this.book.doubted()) doubt?.hurry()
      }),
    )
    this.book.journal = journal
    this.adapter.useNumbers?.((atLeast) => journal.takeNumber(atLeast))
    this.#recovered = this.#recover()
    // Whoever sends an order hears of it; nobody may be waiting now.
    this.#recovered.catch(() => undefined)
  }

  async #recover(): Promise<void> {
    const left = await this.book.journal.unsettled()
    if (this.#isClosed) throw this.#closedError()
    for (const entry of left) if (entry.isDenied) this.#remember(entry)
    const unsettled = left.filter((entry) => !isSettled(entry))
    await Promise.all(unsettled.map((entry) => this.#takeUp(entry)))
    this.#emit({ type: 'recovered', unsettled: unsettled.length, inDoubt: this.book.doubted().length })
  }

  /** An operator has said that the broker never had it. */
  #remember(denied: JournalEntry): void {
    this.#denied.set(denied.clientOrderId, denied)
    if (denied.intent.kind === 'replacement') this.adapter.recall?.(denied.intent)
  }

  async #takeUp(entry: JournalEntry): Promise<void> {
    const { clientOrderId, state, reason, intent } = entry
    this.book.add(entry)
    if (intent.kind === 'replacement') this.adapter.recall?.(intent)
    if (state === 'intended') {
      this.settle(clientOrderId, { type: 'never-sent', reason: 'the process ended before it was sent' })
    } else {
      this.doubt(clientOrderId, reason ?? 'the process ended while it was being sent')
      await this.lookUp(clientOrderId)
    }
  }

  /** Sends nothing more, waits for what is on the wire, and gives the account up. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopAll(this.#closedError())
    await Promise.allSettled([this.#claimed, ...[...this.#running.values()].map(({ outcome }) => outcome)])
    for (const { doubt } of this.book.doubted()) doubt?.end(undefined)
    for (const unsubscribe of this.#subscriptions) unsubscribe?.()
    if (this.#claimed !== undefined) await this.book.journal.release()
  }

  // 2. Submissions.

  /** One submission of an intent at a time: who comes with the same gets the same. @param isNew its id was made just now */
  submit(intent: Intent, isNew: boolean, patience: Patience): Promise<OrderOutcome> {
    const { clientOrderId } = intent
    const other = this.#running.get(clientOrderId)
    if (other !== undefined) {
      if (sameIntent(other.submission.intent, intent)) return other.outcome
      const rule = 'another order with this id is under way, and an id is for one intent: choose another id'
      return Promise.reject(new InvalidRequestError('clientOrderId', clientOrderId, rule))
    }
    const submission = new Submission(this, intent, patience)
    const outcome = submission.run(isNew).finally(() => {
      this.#running.delete(clientOrderId)
      this.book.forget(clientOrderId)
    })
    this.#running.set(clientOrderId, { submission, outcome })
    return outcome
  }

  /** Why nothing new may be sent. */
  get halted(): Error | undefined {
    if (this.#lost !== undefined) return this.#lost
    if (this.#isClosed) return this.#closedError()
    return this.#killSwitch.engaged ? new KillSwitchError(this.account, this.#killSwitch) : undefined
  }

  #stopAll(reason: Error): void {
    for (const { submission } of this.#running.values()) submission.stop(reason)
  }

  #closedError(): NotReadyError {
    return new NotReadyError(`the broker of account ${this.account} was closed`)
  }

  // 3. What becomes of an intent.

  /** It is known. Whoever waits for it is told. */
  settle(clientOrderId: string, settlement: Settlement): void {
    const open = this.book.get(clientOrderId)
    if (open === undefined || isSettled(open.entry)) return
    const { doubt } = open
    this.book.noteLater(clientOrderId, settlement)
    const { order, isUnwanted } = open.entry
    open.doubt = undefined
    doubt?.end(order ?? undefined)
    if (!this.#running.has(clientOrderId)) this.book.forget(clientOrderId)
    if (order === null || doubt === undefined) return
    const evidence = settlement.type === 'reconciled' ? settlement.evidence : 'answer'
    this.#emit({ type: 'reconciled', outcome: { status: 'accepted', clientOrderId, order, evidence } })
    if (isUnwanted && order.isOpen) this.#cancelFound(order)
  }

  /** The broker has it, as a look, a stream or a late answer shows. Of orders that were settled here that is no news. */
  prove(clientOrderId: string, order: Order, evidence: ReconciliationEvidence): void {
    const open = this.book.get(clientOrderId)
    const denied = this.#denied.get(clientOrderId)
    if (open === undefined && denied !== undefined) return this.#contradict(denied, order, evidence)
    if (open === undefined || isSettled(open.entry) || open.entry.state === 'intended') return
    this.settle(clientOrderId, { type: 'reconciled', order, evidence })
    this.#running.get(clientOrderId)?.submission.prove(order, evidence)
  }

  /** The broker has what an operator has said that it never had: the broker is right. */
  #contradict(denied: JournalEntry, order: Order, evidence: ReconciliationEvidence): void {
    const { clientOrderId } = denied
    this.#denied.delete(clientOrderId)
    this.book.add(denied)
    this.book.noteLater(clientOrderId, { type: 'reconciled', order, evidence })
    this.book.forget(clientOrderId)
    this.#emit({ type: 'reconciled', outcome: { status: 'accepted', clientOrderId, order, evidence } })
    if (denied.isUnwanted && order.isOpen) this.#cancelFound(order)
  }

  /** It may be with the broker: from now on it is looked up. */
  doubt(clientOrderId: string, reason: string): void {
    const open = this.book.need(clientOrderId)
    if (isSettled(open.entry)) return
    this.book.noteLater(clientOrderId, { type: 'in-doubt', reason })
    if (open.doubt !== undefined) return
    open.doubt = new Reconciliation({
      find: () => this.findNow(clientOrderId),
      clock: this.clock,
      looks: this.#options.looks,
      settleMs: this.#options.settleMs,
      onFound: (order) => this.prove(clientOrderId, order, open.evidence),
      onNotFound: () => this.#emit({ type: 'not-found', entry: open.entry }),
    })
    this.#emit({ type: 'in-doubt', entry: open.entry })
  }

  /** The order, or undefined when a series of looks found nothing. @param isTaken the broker has said that its id is taken */
  async lookUp(clientOrderId: string, isTaken = false): Promise<Order | undefined> {
    const open = this.book.need(clientOrderId)
    if (isTaken) open.evidence = 'duplicate-id'
    return (await open.doubt?.conclude()) ?? open.entry.order ?? undefined
  }

  /**
   * Asks the broker once. While orders are in doubt one look at a time is a critical call: it passes an open circuit as a
   * probe, which it is the best there is of. Only one, so that those that hang leave the slots to cancellations.
   */
  async findNow(clientOrderId: string): Promise<Order | undefined> {
    const isUrgent = !this.#hasUrgentLook && this.book.get(clientOrderId)?.doubt !== undefined
    if (isUrgent) this.#hasUrgentLook = true
    try {
      return await this.service.execute(
        ({ signal, attempt }) => this.adapter.findOrder(clientOrderId, { signal, attempt }),
        { operation: 'findOrder', idempotent: true, priority: isUrgent ? 'critical' : 'normal' },
      )
    } finally {
      if (isUrgent) this.#hasUrgentLook = false
    }
  }

  /** Waits for what the looks come to. */
  async reconcile(clientOrderId: string, { timeoutMs, signal }: Patience): Promise<OrderOutcome> {
    // Nobody looks any more.
    if (this.#isClosed) throw this.#closedError()
    const entry = await this.book.find(clientOrderId)
    if (entry !== undefined && isSettled(entry)) return outcomeOf(entry)
    if (this.#lost !== undefined) throw this.#lost
    const open = this.book.need(clientOrderId)
    const found = await waitUntil(this.lookUp(clientOrderId), this.clock.now() + timeoutMs, this.clock, signal)
    if (found !== TOO_LATE && found !== undefined) {
      return { status: 'accepted', clientOrderId, order: found, evidence: open.evidence }
    }
    if (isSettled(open.entry)) return outcomeOf(open.entry)
    const cause = found === TOO_LATE ? 'the broker has not said yet' : 'the broker knows of no such order'
    return { status: 'in-doubt', clientOrderId, entry: open.entry, error: new OrderInDoubtError(open.entry, cause) }
  }

  /**
   * An operator says what became of it.
   *
   * @param order null when the broker never had it
   * @throws InvalidRequestError when it is not in doubt, a copy of it is on its way, or the order is another one
   */
  resolve(clientOrderId: string, order: Order | null, by: string, note: string): JournalEntry {
    const open = this.book.need(clientOrderId)
    if (open.doubt === undefined) throw new InvalidRequestError('clientOrderId', clientOrderId, 'it is not in doubt')
    if (open.entry.state !== 'in-doubt') {
      const rule =
        'it is being sent again at this moment, which nobody has seen who looked before: wait for what comes of it'
      throw new InvalidRequestError('clientOrderId', clientOrderId, rule)
    }
    if (order !== null && !isKnownAs(order, open.entry)) {
      const rule = `the broker has that order under the client order id ${order.clientOrderId || '(none)'}: it is another one`
      throw new InvalidRequestError('orderId', order.id, rule)
    }
    this.settle(clientOrderId, { type: 'resolved', order, by, note })
    if (order === null) this.#denied.set(clientOrderId, open.entry)
    this.#emit({ type: 'resolved', entry: open.entry })
    return open.entry
  }

  /**
   * Orders that may have left, and of which nobody knows, are to be cancelled should they be found, and not sent again. Holds
   * at once; when the promise resolves, for the next process too.
   */
  async disown(): Promise<void> {
    const unwanted = this.book.underWay().map(({ entry: { clientOrderId } }) => clientOrderId)
    // A journal that fails keeps nobody from cancelling.
    await Promise.allSettled(unwanted.map((clientOrderId) => this.book.note(clientOrderId, { type: 'unwanted' })))
  }

  #cancelFound(order: Order): void {
    this.#options
      .cancel(order.id)
      .catch((error: unknown) => this.#options.report(error, `cancelling ${order.id}, which had been in doubt,`))
  }

  // 4. The kill switch, and the end.

  get killSwitch(): KillSwitchState {
    return this.#killSwitch
  }

  /** On, it holds at once; off, once the journal has been read, which may say that it is on. It is on disk when the promise resolves. */
  async turnKillSwitch(engaged: boolean, by: string, reason: string): Promise<void> {
    const state = { engaged, by, reason, at: this.clock.wallTime() }
    const turn = ++this.#turns
    if (!engaged) await this.claim()
    // Who came later is obeyed.
    if (turn !== this.#turns) return
    this.#killSwitch = state
    if (engaged) this.#stopAll(new KillSwitchError(this.account, state))
    this.#emit({ type: 'kill-switch', engaged, by, reason })
    await this.claim()
    await this.book.journal.setKillSwitch(state)
  }

  #lose(reason: Error): void {
    if (this.#lost !== undefined || this.#isClosed) return
    this.#lost = reason
    this.#stopAll(reason)
    for (const { doubt } of this.book.doubted()) doubt?.end(undefined)
    this.#emit({ type: 'lost', reason })
  }

  #emit(news: News): void {
    if (this.events.any) this.events.emit({ at: this.clock.wallTime(), account: this.account, ...news })
  }
}

/** Whether an order is the one that an entry is about. A broker that changes orders in their place keeps the old client order id. */
function isKnownAs(order: Order, { clientOrderId, intent }: JournalEntry): boolean {
  if (order.clientOrderId === clientOrderId) return true
  return intent.kind === 'replacement' && intent.orderId === order.id
}
