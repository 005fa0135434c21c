/** Sends orders one after the other, each under a number that was never used, and hears what becomes of them. */
import type { Contract, IBApi, Order as TwsOrder } from '@stoqey/ib'
import type { Unsubscribe } from 'holdfast'
import type { SendingAttempt } from '../broker/broker-adapter.ts'
import { NeverSentError, OrderRefusedError, UpstreamRequestError } from '../errors.ts'
import type { OrderRecord } from './order-shapes.ts'
import type { OrderTracker } from './order-tracker.ts'
import { cancelRefusal, refusesOrder, TWS } from './tws-codes.ts'
import type { TwsConnection } from './tws-connection.ts'
import { TwsError } from './tws-error.ts'
import type { TwsLink } from './tws-link.ts'

/** Numbers of messages, as the SDK writes them first into each. */
const PLACE_ORDER = 3
const CANCEL_ORDER = 4

/** Gives a number that was never given before and never will be, at least `atLeast`. */
export type TakeNumber = (atLeast: number) => Promise<number>

/** What one waits for. */
interface Expectation<T> {
  readonly epoch: number
  readonly orderId: number
  /** The answer, if a change of an order is it. */
  readonly ofChange: (record: OrderRecord) => T | Error | undefined
  /** The answer, if an error about the order is it. */
  readonly ofError: (error: TwsError) => T | Error | undefined
}

export class OrderSender {
  readonly #link: TwsLink
  readonly #tracker: OrderTracker
  #turn: Promise<unknown> = Promise.resolve()
  #takeNumber: TakeNumber | undefined

  constructor(link: TwsLink, tracker: OrderTracker) {
    this.#link = link
    this.#tracker = tracker
  }

  /** Where numbers of orders come from. */
  useNumbers(take: TakeNumber): void {
    this.#takeNumber = take
  }

  /**
   * Sends a new order, and waits until TWS tells of it.
   *
   * @throws NeverSentError when it is proven that nothing left; OrderRefusedError; anything else proves nothing
   */
  async place(contract: Contract, order: TwsOrder, { signal, halt }: SendingAttempt): Promise<OrderRecord> {
    const mayLeave = AbortSignal.any([signal, halt])
    const connection = await this.#readyToSend(mayLeave, 'normal')
    return await this.#inTurn(async () => {
      const orderId = await this.#number(connection)
      const answer = this.#expect<OrderRecord>(
        {
          epoch: connection.epoch,
          orderId,
          ofChange: (record) => (record.order.orderRef === order.orderRef ? record : undefined),
          ofError: placementError,
        },
        signal,
      )
      this.#tracker.noteSent(connection.epoch, orderId, contract, order)
      this.#send(connection, PLACE_ORDER, mayLeave, answer, (api) => api.placeOrder(orderId, contract, order))
      return answer
    }).then(({ settled }) => settled)
  }

  /** Sends an open order again with a change, and waits until TWS tells of it with that change. @throws as {@link place} does */
  async change(
    { contract, orderId, permId }: OrderRecord,
    order: TwsOrder,
    isChanged: (record: OrderRecord) => boolean,
    { signal, halt }: SendingAttempt,
  ): Promise<OrderRecord> {
    const mayLeave = AbortSignal.any([signal, halt])
    const connection = await this.#readyToSend(mayLeave, 'normal')
    const answer = this.#expect<OrderRecord>(
      {
        epoch: connection.epoch,
        orderId,
        ofChange: (record) => (record.permId === permId && isChanged(record) ? record : undefined),
        ofError: placementError,
      },
      signal,
    )
    this.#send(connection, PLACE_ORDER, mayLeave, answer, (api) => api.placeOrder(orderId, contract, order))
    return await answer.settled
  }

  /** Asks for a cancellation, before whatever else waits, and waits until TWS says what becomes of it. */
  async cancel({ orderId, permId }: OrderRecord, signal: AbortSignal): Promise<void> {
    const connection = await this.#readyToSend(signal, 'critical')
    const answer = this.#expect<true>(
      {
        epoch: connection.epoch,
        orderId,
        ofChange: (record) => (record.permId === permId ? cancellationState(record) : undefined),
        ofError: (error) => {
          if (error.twsCode === TWS.ORDER_CANCELLED) return true
          const status = error.twsCode === undefined ? undefined : cancelRefusal(error.twsCode)
          return status === undefined ? error : tooLate(error.message, status, error)
        },
      },
      signal,
    )
    this.#send(connection, CANCEL_ORDER, signal, answer, (api) => api.cancelOrder(orderId))
    await answer.settled
  }

  /** A session, and a place among the messages. @throws NeverSentError */
  async #readyToSend(signal: AbortSignal, priority: 'critical' | 'normal'): Promise<TwsConnection> {
    try {
      await this.#link.enter(signal, priority)
      return await this.#link.ready(signal)
    } catch (error) {
      throw new NeverSentError(error)
    }
  }

  /** TWS refuses a number below the last one: so numbers are taken and sent by one at a time. */
  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(task)
    this.#turn = done.catch(() => undefined)
    return done
  }

  async #number({ nextOrderId }: TwsConnection): Promise<number> {
    if (this.#takeNumber === undefined) {
      throw new NeverSentError(
        new Error('the account is not claimed, so that there are no numbers for orders; open the broker'),
      )
    }
    try {
      return await this.#takeNumber(nextOrderId)
    } catch (error) {
      throw new NeverSentError(error)
    }
  }

  #send(
    connection: TwsConnection,
    msgId: number,
    signal: AbortSignal,
    answer: Expected<unknown>,
    send: (api: IBApi) => void,
  ): void {
    const isSent = !signal.aborted && connection.sendNow(msgId, send)
    if (isSent) return
    answer.forget()
    throw new NeverSentError(
      signal.aborted ? signal.reason : new Error('the session with TWS ended before it was sent'),
    )
  }

  #expect<T>({ epoch, orderId, ofChange, ofError }: Expectation<T>, signal: AbortSignal): Expected<T> {
    const subscriptions: Unsubscribe[] = []
    const forget = (): void => {
      for (const unsubscribe of subscriptions.splice(0)) unsubscribe()
    }
    const settled = new Promise<T>((resolve, reject) => {
      /** What TWS said that settles nothing by itself: the cause of a doubt, perhaps. */
      let complaint: TwsError | undefined
      const settle = (answer: T | Error | undefined): void => {
        if (answer === undefined) return
        forget()
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }
      const giveUp = (): void => settle(complaint ?? asError(signal.reason))
      signal.addEventListener('abort', giveUp, { once: true })
      subscriptions.push(
        () => signal.removeEventListener('abort', giveUp),
        this.#tracker.changes.subscribe((record) => settle(ofChange(record))),
        this.#link.ends.subscribe((end) => {
          if (end.epoch === epoch)
            settle(
              new TwsError(
                `the connection to TWS ended before it answered (${end.reason.message})`,
                undefined,
                end.reason,
              ),
            )
        }),
        this.#link.orderErrors.subscribe((told) => {
          if (told.epoch !== epoch || told.orderId !== orderId) return
          complaint = told.error
          settle(ofError(told.error))
        }),
      )
    })
    // Whoever forgets it has an error of his own to tell.
    settled.catch(() => undefined)
    return { settled, forget }
  }
}

/** An answer that is waited for. */
interface Expected<T> {
  readonly settled: Promise<T>
  /** Stops waiting; it never settles. */
  readonly forget: () => void
}

function placementError(error: TwsError): Error | undefined {
  const { twsCode, message } = error
  if (twsCode === undefined) return undefined
  // The number was used by somebody else: the order was turned away unread, and may be sent under another one.
  if (twsCode === TWS.DUPLICATE_ORDER_ID) {
    return new UpstreamRequestError(message, { code: error.code, status: 429, retryAfterMs: undefined }, error)
  }
  return refusesOrder(twsCode)
    ? new OrderRefusedError(message, { brokerCode: String(twsCode), cause: error })
    : undefined
}

function cancellationState({ status }: OrderRecord): true | Error | undefined {
  if (status === 'Filled') return tooLate('the order is filled', 422)
  return status === 'Cancelled' || status === 'ApiCancelled' || status === 'PendingCancel' ? true : undefined
}

function tooLate(message: string, status: 404 | 422, cause?: unknown): UpstreamRequestError {
  return new UpstreamRequestError(message, { code: undefined, status, retryAfterMs: undefined }, cause)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
