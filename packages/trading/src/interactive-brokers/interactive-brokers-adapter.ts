/** One attempt at a time, through TWS. */
import type { Clock, HookErrorReporter, Unsubscribe } from 'holdfast'
import type { Account, Position } from '../broker/account.ts'
import type { Attempt, BrokerAdapter, SendingAttempt } from '../broker/broker-adapter.ts'
import type { Order, PreparedOrder, PreparedReplacement } from '../broker/order.ts'
import { orderEvidence } from '../broker/order-evidence.ts'
import { NeverSentError, UpstreamRequestError } from '../errors.ts'
import { askAccount, askPositions } from './account-requests.ts'
import { type LookResult, orderLook } from './order-look.ts'
import { OrderSender, type TakeNumber } from './order-sender.ts'
import {
  type ContractFor,
  checkForTws,
  hasChange,
  type OrderRecord,
  readRecord,
  toTwsOrder,
  usStock,
  withChange,
} from './order-shapes.ts'
import { OrderTracker } from './order-tracker.ts'
import { SentChanges } from './sent-changes.ts'
import type { SharedLook } from './shared-look.ts'
import type { TwsConnection } from './tws-connection.ts'
import { TwsError } from './tws-error.ts'
import type { TwsLink } from './tws-link.ts'

/** How long between two looks while a cancellation of all orders takes effect, in milliseconds. */
const LOOK_AGAIN_MS = 200

export interface AdapterOptions {
  readonly name: string
  readonly link: TwsLink
  /** The account's code, for users with several. */
  readonly accountCode: string | undefined
  readonly contractFor: ContractFor | undefined
  readonly clock: Clock
  readonly report: HookErrorReporter
}

/**
 * Interactive Brokers through `@stoqey/ib`. An order is known by its reference, which is the client order id, and by its
 * permanent id, which is {@link Order.id}; the number under which it was sent means nothing beyond its connection.
 */
export class InteractiveBrokersAdapter implements BrokerAdapter {
  readonly name: string
  /** As long as those of other brokers; TWS takes more. */
  readonly longestClientOrderId = 48
  /** TWS takes a second order with the same reference. */
  readonly refusesDuplicateIds = false
  readonly #link: TwsLink
  readonly #accountCode: string | undefined
  readonly #contractFor: ContractFor
  readonly #clock: Clock
  readonly #tracker: OrderTracker
  readonly #sender: OrderSender
  readonly #look: SharedLook<LookResult>
  readonly #changes = new SentChanges()
  #portfolio: Promise<unknown> = Promise.resolve()

  constructor({ name, link, accountCode, contractFor = usStock, clock, report }: AdapterOptions) {
    this.name = name
    this.#link = link
    this.#accountCode = accountCode
    this.#contractFor = contractFor
    this.#clock = clock
    this.#tracker = new OrderTracker(clock, report)
    this.#sender = new OrderSender(link, this.#tracker)
    this.#look = orderLook(link, clock)
    link.connections.subscribe((connection) => this.#tracker.attach(connection))
    if (link.connection !== undefined) this.#tracker.attach(link.connection)
    link.events.subscribe((event) => {
      // What happened while nobody listened is asked for.
      if (event.type === 'connected' || event.type === 'connectivity-restored') this.#catchUp()
    })
  }

  checkOrder(order: PreparedOrder | PreparedReplacement): void {
    checkForTws(order)
  }

  useNumbers(take: TakeNumber): void {
    this.#sender.useNumbers(take)
  }

  recall(change: PreparedReplacement): void {
    this.#changes.begin(change)
  }

  async placeOrder(order: PreparedOrder, attempt: SendingAttempt): Promise<Order> {
    const sent = toTwsOrder(order, this.#accountCode)
    return readRecord(await this.#sender.place(this.#contractFor(order.symbol), sent, attempt))
  }

  /** TWS changes the order in its place: what comes back has the same permanent id, and the client order id of the change. */
  async replaceOrder(change: PreparedReplacement, attempt: SendingAttempt): Promise<Order> {
    const record = await this.#recordOf(change.orderId, attempt.signal)
    if (!readRecord(record).isOpen) throw tooLate(record)
    if (record.clientId !== this.#link.clientId) throw this.#anothers(record)
    const { clientOrderId } = change
    const isOnlyCopy = this.#changes.begin(change)
    try {
      const order = withChange(record.order, change)
      const changed = await this.#sender.change(record, order, (told) => hasChange(told.order, change), attempt)
      this.#changes.confirm(clientOrderId)
      return { ...readRecord(changed), clientOrderId }
    } catch (error) {
      // What this failure proves, it proves of this copy only: one that went before may have arrived.
      if (isOnlyCopy && orderEvidence(error).proves !== 'nothing') this.#changes.drop(clientOrderId)
      throw error
    }
  }

  async cancelOrder(orderId: string, { signal }: Attempt): Promise<void> {
    const record = await this.#recordOf(orderId, signal)
    if (!readRecord(record).isOpen) throw tooLate(record)
    if (record.clientId !== this.#link.clientId) throw this.#anothers(record)
    await this.#sender.cancel(record, signal)
  }

  /** Of all clients of the account, and those that were placed by hand. */
  async cancelAllOrders({ signal }: Attempt): Promise<void> {
    await this.#link.enter(signal, 'critical')
    const connection = await this.#link.ready(signal)
    connection.api.reqGlobalCancel({})
    for (;;) {
      const { open } = await this.#look.take(signal)
      const left = [...open].filter((permId) => this.#tracker.byPermId(permId)?.status !== 'PendingCancel')
      if (left.length === 0) return
      await pause(this.#clock, LOOK_AGAIN_MS, signal)
    }
  }

  async findOrder(clientOrderId: string, { signal }: Attempt): Promise<Order | undefined> {
    const sent = this.#changes.find(clientOrderId)
    await this.#take(signal)
    if (sent !== undefined) {
      const record = this.#tracker.byPermId(sent.permId)
      return record !== undefined && hasChange(record.order, sent.change)
        ? { ...readRecord(record), clientOrderId }
        : undefined
    }
    const orders = this.#tracker.byRef(clientOrderId).map(readRecord)
    // There should be one. Of several, the one that matters is the one that can still cost something, or has.
    return (
      orders.find(({ isOpen }) => isOpen) ??
      orders.find(({ filledQuantity }) => Number(filledQuantity) > 0) ??
      orders[0]
    )
  }

  async getOrder(orderId: string, { signal }: Attempt): Promise<Order> {
    await this.#take(signal)
    return readRecord(this.#known(orderId))
  }

  async getOpenOrders({ signal }: Attempt): Promise<readonly Order[]> {
    const { open } = await this.#take(signal)
    return [...open].flatMap((permId) => this.#tracker.byPermId(permId) ?? []).map(readRecord)
  }

  async getAccount({ signal }: Attempt): Promise<Account> {
    return await this.#ask(signal, (connection) => askAccount(connection, this.name, this.#accountCode, signal))
  }

  async getPositions({ signal }: Attempt): Promise<readonly Position[]> {
    const asked = this.#portfolio.then(() =>
      this.#ask(signal, (connection) => askPositions(connection, this.#accountCode, signal)),
    )
    this.#portfolio = asked.catch(() => undefined)
    return await asked
  }

  onOrder(listener: (order: Order) => void): Unsubscribe {
    return this.#tracker.changes.subscribe((record) => {
      const order = readRecord(record)
      if (order.clientOrderId !== '') listener(order)
      for (const clientOrderId of this.#changes.shownBy(record)) {
        listener({ ...order, clientOrderId })
        this.#changes.confirm(clientOrderId)
      }
    })
  }

  /** A record that is known, or becomes known by looking. */
  async #recordOf(orderId: string, signal: AbortSignal): Promise<OrderRecord> {
    const known = this.#tracker.byPermId(Number(orderId))
    if (known !== undefined) return known
    try {
      await this.#take(signal)
    } catch (error) {
      throw new NeverSentError(error)
    }
    return this.#known(orderId)
  }

  #known(orderId: string): OrderRecord {
    const record = this.#tracker.byPermId(Number(orderId))
    if (record !== undefined) return record
    const facts = { code: undefined, status: 404, retryAfterMs: undefined }
    throw new UpstreamRequestError(`${this.name} knows no order ${orderId}`, facts)
  }

  async #take(signal: AbortSignal): Promise<LookResult> {
    try {
      return await this.#look.take(signal)
    } catch (error) {
      throw told(this.name, error)
    }
  }

  async #ask<T>(signal: AbortSignal, ask: (connection: TwsConnection) => Promise<T>): Promise<T> {
    await this.#link.enter(signal)
    const connection = await this.#link.ready(signal)
    try {
      return await ask(connection)
    } catch (error) {
      throw told(this.name, error)
    }
  }

  #catchUp(): void {
    const patience = new AbortController()
    // What this look would have told and did not, the next one tells: whoever is in doubt looks for himself.
    this.#look.take(patience.signal).catch(() => undefined)
  }

  #anothers({ permId, clientId }: OrderRecord): UpstreamRequestError {
    const message = `${this.name}: order ${permId} belongs to client id ${clientId}, not to ${this.#link.clientId}; cancel it there, or cancel all`
    return new UpstreamRequestError(message, { code: undefined, status: 403, retryAfterMs: undefined })
  }
}

function tooLate({ permId, status }: OrderRecord): UpstreamRequestError {
  const message = `order ${permId} is ${status}`
  return new UpstreamRequestError(message, { code: undefined, status: 422, retryAfterMs: undefined })
}

/** Statuses of the web for what TWS says of reads, so that they are judged alike. */
const STATUSES: ReadonlyMap<number, number> = new Map([
  [100, 429],
  [162, 429],
  [200, 404],
  [321, 400],
  [354, 403],
  [420, 429],
])

/** An error of a read in the words of all brokers. */
export function told(service: string, error: unknown): unknown {
  if (!(error instanceof TwsError) || error.twsCode === undefined) return error
  const status = STATUSES.get(error.twsCode)
  return new UpstreamRequestError(
    `${service}: ${error.message}`,
    { code: error.code, status, retryAfterMs: undefined },
    error,
  )
}

function pause(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => {
      timer.cancel()
      reject(signal.reason)
    }
    const timer = clock.setTimer(() => {
      signal.removeEventListener('abort', giveUp)
      resolve()
    }, durationMs)
    if (signal.aborted) giveUp()
    else signal.addEventListener('abort', giveUp, { once: true })
  })
}
