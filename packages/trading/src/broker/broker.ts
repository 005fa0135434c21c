/** A broker as a program uses it: its reads, and orders that are never sent twice nor lost. */
import {
  type CallOptions,
  type Clock,
  describeFailure,
  type HookErrorReporter,
  InvalidOptionError,
  reportToConsole,
  type Service,
  systemClock,
  type Unsubscribe,
} from 'holdfast'
import type { JournalEntry } from '../journal/journal-entry.ts'
import type { KillSwitchState, OrderJournal } from '../journal/order-journal.ts'
import { checkedId, type RequestOptions } from '../requests.ts'
import type { Account, Position } from './account.ts'
import type { Attempt, BrokerAdapter } from './broker-adapter.ts'
import type { BrokerEvent } from './broker-event.ts'
import { type Order, type OrderChange, type OrderRequest, prepareOrder, prepareReplacement } from './order.ts'
import { OrderDesk } from './order-desk.ts'
import type { InDoubtOrder, OrderOutcome, ResendableOrder } from './order-outcome.ts'
import type { ReconciliationOptions } from './reconciliation.ts'

/** What brokers say of an order whose cancellation is under way: Alpaca refuses a second one. */
const BEING_CANCELLED: ReadonlySet<string> = new Set(['pending_cancel', 'PendingCancel'])

/** How a broker's orders are kept. */
export interface OrderKeeping {
  /** The service whose guards every request passes. Use the profile `BROKER`. */
  readonly service: Service
  /** Where orders are written down before they are sent: `await openJournal(file)`. */
  readonly journal: OrderJournal
  /** Name of the account in the journal. Default: the broker's name. */
  readonly account?: string | undefined
  /** How long a caller waits for what becomes of an order, in milliseconds, unless he says otherwise. Default 15,000. */
  readonly submitTimeoutMs?: number | undefined
  readonly reconciliation?: ReconciliationOptions | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
  /** Told when a listener throws, or an order that was found late cannot be cancelled. Default: written to the console. */
  readonly onHookError?: HookErrorReporter | undefined
}

/** What became of a cancellation. */
export type CancelOutcome =
  /** The broker took it. Whether the order was filled a moment before, the order itself tells. */
  | { readonly status: 'requested'; readonly orderId: string }
  /** There is nothing to cancel any more: it is filled, cancelled, replaced or expired. */
  | { readonly status: 'closed'; readonly orderId: string; readonly order: Order }

/** What an operator found out about an order in doubt. */
export interface Resolution {
  /** The broker's id of the order; null when the broker never had it. */
  readonly orderId: string | null
  /** Who says so. */
  readonly by: string
  /** How it was found out. */
  readonly note: string
}

/**
 * A broker behind its service's guards. Reads and cancels throw what {@link Service.execute} throws; what becomes of an
 * order is a value.
 *
 * Before the first order it claims its account: one process at a time owns one. {@link Broker.open} does that early, so that
 * what an earlier process left is known before the market opens.
 */
export class Broker {
  /** The service that guards it. */
  readonly service: Service
  /** Name of the account in the journal. */
  readonly account: string
  /** What happens to orders: doubt and its end, the kill switch, the loss of the account. */
  readonly events: { subscribe(listener: (event: BrokerEvent) => void): Unsubscribe }
  readonly #adapter: BrokerAdapter
  readonly #desk: OrderDesk
  readonly #submitTimeoutMs: number

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(adapter: BrokerAdapter, keeping: OrderKeeping) {
    const { service, journal, account = adapter.name, submitTimeoutMs = 15_000 } = keeping
    const { looks = 3, settleMs = 5_000 } = keeping.reconciliation ?? {}
    checkNumber('submitTimeoutMs', submitTimeoutMs, 1, 86_400_000)
    checkNumber('reconciliation.looks', looks, 2, 20)
    checkNumber('reconciliation.settleMs', settleMs, 0, 3_600_000)
    if (!/^[A-Za-z0-9_.:-]{1,100}$/.test(account)) {
      throw new InvalidOptionError('account', account, 'it must be 1 to 100 letters, digits, or any of _ . : -')
    }
    this.service = service
    this.account = account
    this.#adapter = adapter
    this.#submitTimeoutMs = submitTimeoutMs
    this.#desk = new OrderDesk({
      account,
      adapter,
      service,
      journal,
      looks,
      settleMs,
      clock: keeping.clock ?? systemClock,
      report: keeping.onHookError ?? reportToConsole,
      cancel: (orderId) => this.cancelOrder(orderId),
    })
    this.events = this.#desk.events
  }

  /**
   * Claims the account, and begins to look up what an earlier process left unsettled; new orders wait until that is done.
   * Orders do it by themselves.
   *
   * @throws AccountTakenError when another process owns the account; JournalError
   */
  open(): Promise<void> {
    return this.#desk.claim()
  }

  /** Sends no more orders, waits for those on the wire, and gives the account up. */
  close(): Promise<void> {
    return this.#desk.close()
  }

  getAccount(options?: RequestOptions): Promise<Account> {
    return this.#read('getAccount', options, (attempt) => this.#adapter.getAccount(attempt))
  }

  getPositions(options?: RequestOptions): Promise<readonly Position[]> {
    return this.#read('getPositions', options, (attempt) => this.#adapter.getPositions(attempt))
  }

  getOpenOrders(options?: RequestOptions): Promise<readonly Order[]> {
    return this.#read('getOpenOrders', options, (attempt) => this.#adapter.getOpenOrders(attempt))
  }

  async getOrder(orderId: string, options?: RequestOptions): Promise<Order> {
    const id = checkedId('orderId', orderId)
    return await this.#read('getOrder', options, (attempt) => this.#adapter.getOrder(id, attempt))
  }

  /** @returns undefined when the broker says that it knows no such order: soon after it was sent, that proves nothing */
  async findOrder(clientOrderId: string, options?: RequestOptions): Promise<Order | undefined> {
    const id = checkedId('clientOrderId', clientOrderId)
    return await this.#read('findOrder', options, (attempt) => this.#adapter.findOrder(id, attempt))
  }

  /**
   * Places an order, once. It is written down before it is sent; sent again only when it is proven that it never arrived,
   * always under the same client order id; and when nobody knows, looked up before anything else. The same request with the
   * same `clientOrderId` is the same order, in this process and in the next: it comes to the same outcome.
   *
   * A caller whose time is up, or who gives up, is told `in-doubt` of an order that may have arrived; it goes on being
   * looked up, and {@link Broker.events} tells.
   *
   * @throws InvalidRequestError before anything is sent, when the order makes no sense or its id stands for another one
   * @example
   * const outcome = await broker.submitOrder({ symbol: 'AAPL', side: 'buy', quantity: '10', type: 'market' })
   * if (outcome.status === 'in-doubt') outcome = await broker.reconcile(outcome)
   */
  async submitOrder(request: OrderRequest, options?: RequestOptions): Promise<OrderOutcome> {
    const order = prepareOrder(request, this.#adapter.longestClientOrderId)
    this.#adapter.checkOrder?.(order)
    return await this.#desk.submit(order, request.clientOrderId === undefined, this.#patience(options))
  }

  /**
   * Changes an open order, once. Brokers make a new order of it, so the outcome is that of the new one, and what is said of
   * {@link Broker.submitOrder} holds.
   *
   * @throws InvalidRequestError before anything is sent
   */
  async replaceOrder(orderId: string, change: OrderChange, options?: RequestOptions): Promise<OrderOutcome> {
    const replacement = prepareReplacement(orderId, change, this.#adapter.longestClientOrderId)
    this.#adapter.checkOrder?.(replacement)
    return await this.#desk.submit(replacement, change.clientOrderId === undefined, this.#patience(options))
  }

  /** Submits an intent again that never left or was turned away unread, under the id that it has. An order in doubt does not fit. */
  resubmitOrder({ intent }: ResendableOrder, options?: RequestOptions): Promise<OrderOutcome> {
    return this.#desk.submit(intent, false, this.#patience(options))
  }

  /** Looks up an order in doubt, and waits until it is found or a series of looks has found nothing. Sends nothing. */
  async reconcile({ clientOrderId }: InDoubtOrder, options?: RequestOptions): Promise<OrderOutcome> {
    return await this.#desk.reconcile(clientOrderId, this.#patience(options))
  }

  /** What is in doubt, oldest first. */
  inDoubt(): readonly JournalEntry[] {
    return this.#desk.book.doubted().map(({ entry }) => entry)
  }

  /**
   * Ends the doubt about an order by an operator's word: he has looked at the broker's own screen, or asked.
   *
   * @throws InvalidRequestError when the order is not in doubt, or the broker's order with that id is another one
   */
  async resolve(
    clientOrderId: string,
    { orderId, by, note }: Resolution,
    options?: RequestOptions,
  ): Promise<JournalEntry> {
    const order = orderId === null ? null : await this.getOrder(orderId, options)
    return this.#desk.resolve(clientOrderId, order, by, note)
  }

  /**
   * Cancels an order. Repeated when it fails, since cancelling twice cancels once; never stopped by the kill switch. It goes
   * with the priority `critical`: before whatever waits in the service's queue, with the slots and tokens that the profile
   * `BROKER` keeps for it, and through an open circuit as a probe.
   */
  async cancelOrder(orderId: string, options?: RequestOptions): Promise<CancelOutcome> {
    const id = checkedId('orderId', orderId)
    try {
      await this.#urgently('cancelOrder', options, (attempt) => this.#adapter.cancelOrder(id, attempt))
      return { status: 'requested', orderId: id }
    } catch (error) {
      const { status } = describeFailure(error)
      if (status !== 404 && status !== 422) throw error
      // "Too late", "under way already" or "no such order": the order itself tells which.
      const order = await this.#urgently('getOrder', options, (attempt) => this.#adapter.getOrder(id, attempt))
      if (BEING_CANCELLED.has(order.status)) return { status: 'requested', orderId: id }
      if (order.isOpen) throw error
      return { status: 'closed', orderId: id, order }
    }
  }

  /** Cancels all open orders of the account, and those in doubt should they turn up. Never stopped by the kill switch. */
  async cancelAll(options?: RequestOptions): Promise<void> {
    const marked = this.#desk.disown()
    await this.#urgently('cancelAllOrders', options, (attempt) => this.#adapter.cancelAllOrders(attempt))
    await marked
  }

  /** Whether new orders are stopped, and who said so. */
  get killSwitch(): KillSwitchState {
    return this.#desk.killSwitch
  }

  /**
   * Stops new orders at once, those that wait included, and also after a restart. What is on the wire arrives; cancels,
   * reads and reconciliation go on. Holds before the promise resolves, which it does once it is on disk.
   */
  engageKillSwitch({ by, reason }: { readonly by: string; readonly reason: string }): Promise<void> {
    return this.#desk.turnKillSwitch(true, by, reason)
  }

  /** Lets new orders out again. */
  releaseKillSwitch({ by, reason }: { readonly by: string; readonly reason: string }): Promise<void> {
    return this.#desk.turnKillSwitch(false, by, reason)
  }

  #patience({ timeoutMs = this.#submitTimeoutMs, deadlineMs = timeoutMs, signal }: RequestOptions = {}): {
    readonly timeoutMs: number
    readonly signal: AbortSignal | undefined
  } {
    return { timeoutMs: Math.min(timeoutMs, deadlineMs), signal }
  }

  #read<T>(
    operation: string,
    options: CallOptions | undefined,
    ask: (attempt: Attempt) => Promise<T>,
  ): Promise<Awaited<T>> {
    return this.service.execute(({ attempt, signal }) => ask({ attempt, signal }), {
      ...options,
      operation,
      idempotent: true,
    })
  }

  #urgently<T>(
    operation: string,
    options: CallOptions | undefined,
    ask: (attempt: Attempt) => Promise<T>,
  ): Promise<Awaited<T>> {
    return this.#read(operation, { ...options, priority: 'critical' }, ask)
  }
}

function checkNumber(field: string, value: number, least: number, most: number): void {
  if (Number.isFinite(value) && value >= least && value <= most) return
  throw new InvalidOptionError(field, value, `it must be a number from ${least} to ${most}`)
}
