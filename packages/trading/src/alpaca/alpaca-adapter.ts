/** One attempt at a time, through the SDK. */
import type { streaming } from '@alpacahq/alpaca-trade-api'
import type { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { describeFailure, type Unsubscribe } from 'holdfast'
import { Answer, answers } from '../answer.ts'
import type { Account, Position } from '../broker/account.ts'
import type { Attempt, BrokerAdapter } from '../broker/broker-adapter.ts'
import type { Order, PreparedOrder, PreparedReplacement } from '../broker/order.ts'
import {
  DuplicateOrderIdError,
  InvalidRequestError,
  MalformedAnswerError,
  TradingError,
  UpstreamRequestError,
} from '../errors.ts'
import { withWireProof } from '../wire/with-wire-proof.ts'
import { readAccount, readOrder, readPosition } from './answers.ts'

/** What an SDK's method takes last: how its request differs from what it would be. */
type InitOverrides = (context: { init: { headers?: unknown } }) => Promise<RequestInit>

/** Alpaca through its own SDK. */
export class AlpacaAdapter implements BrokerAdapter {
  readonly name: string
  /** Alpaca takes more today; this is what all brokers take. */
  readonly longestClientOrderId = 48
  readonly refusesDuplicateIds = true
  readonly #client: Alpaca
  readonly #tradeUpdates: streaming.TradingStream | undefined

  constructor(name: string, client: Alpaca, tradeUpdates: streaming.TradingStream | undefined) {
    this.name = name
    this.#client = client
    this.#tradeUpdates = tradeUpdates
  }

  onOrder(listener: (order: Order) => void): Unsubscribe {
    const stream = this.#tradeUpdates
    if (stream === undefined) return () => undefined
    let isWanted = true
    stream.onTradeUpdate(({ order }) => {
      try {
        if (isWanted) listener(readOrder(this.#answer('tradeUpdates', order)))
      } catch (error) {
        // A message that makes no sense proves nothing; looking still does.
        if (!(error instanceof MalformedAnswerError)) throw error
      }
    })
    stream.subscribeTradeUpdates()
    stream.connect()
    return () => {
      isWanted = false
      stream.disconnect()
    }
  }

  /** Prices under a dollar have four decimals at most, others two: the exchanges' rule. */
  checkOrder({ limitPrice, stopPrice }: PreparedOrder | PreparedReplacement): void {
    for (const [field, price] of Object.entries({ limitPrice, stopPrice })) {
      if (price === null) continue
      const most = Number(price) < 1 ? 4 : 2
      const [, decimals = ''] = price.split('.')
      if (decimals.replace(/0+$/, '').length <= most) continue
      throw new InvalidRequestError(field, price, `it must have at most ${most} decimals`)
    }
  }

  async placeOrder(order: PreparedOrder, { signal }: Attempt): Promise<Order> {
    const { symbol, side, quantity: qty, type, timeInForce, clientOrderId, limitPrice, stopPrice } = order
    const prices = {
      ...(limitPrice === null ? {} : { limitPrice }),
      ...(stopPrice === null ? {} : { stopPrice }),
    }
    const postOrderRequest = { symbol, side, qty, type, timeInForce, clientOrderId, ...prices }
    return await this.#send('submitOrder', clientOrderId, signal, (init) =>
      this.#client.trading.orders.postOrder({ postOrderRequest }, init),
    )
  }

  async replaceOrder(change: PreparedReplacement, { signal }: Attempt): Promise<Order> {
    const { orderId, clientOrderId, quantity, limitPrice, stopPrice, timeInForce } = change
    const patchOrderRequest = {
      clientOrderId,
      ...(quantity === null ? {} : { qty: quantity }),
      ...(limitPrice === null ? {} : { limitPrice }),
      ...(stopPrice === null ? {} : { stopPrice }),
      ...(timeInForce === null ? {} : { timeInForce }),
    }
    return await this.#send('replaceOrder', clientOrderId, signal, (init) =>
      this.#client.trading.orders.patchOrderByOrderId({ orderId, patchOrderRequest }, init),
    )
  }

  async cancelOrder(orderId: string, { signal }: Attempt): Promise<void> {
    await this.#ask('cancelOrder', () => this.#client.trading.orders.deleteOrderByOrderID({ orderId }, { signal }))
  }

  async cancelAllOrders({ signal }: Attempt): Promise<void> {
    const answer = await this.#ask('cancelAllOrders', () => this.#client.trading.orders.deleteAllOrders({ signal }))
    const failed = answers(this.name, 'cancelAllOrders', answer).filter((entry) => entry.number('status') >= 500)
    if (failed.length === 0) return
    throw new UpstreamRequestError(`${this.name}: ${failed.length} orders could not be cancelled; cancel again`, {
      code: undefined,
      status: 500,
      retryAfterMs: undefined,
    })
  }

  async findOrder(clientOrderId: string, { signal }: Attempt): Promise<Order | undefined> {
    try {
      const found: unknown = await this.#ask('findOrder', () =>
        this.#client.trading.orders.getOrderByClientOrderId({ clientOrderId }, { signal }),
      )
      return readOrder(this.#answer('findOrder', found))
    } catch (error) {
      if (describeFailure(error).status === 404) return undefined
      throw error
    }
  }

  async getOrder(orderId: string, { signal }: Attempt): Promise<Order> {
    const order: unknown = await this.#ask('getOrder', () =>
      this.#client.trading.orders.getOrderByOrderID({ orderId }, { signal }),
    )
    return readOrder(this.#answer('getOrder', order))
  }

  async getOpenOrders({ signal }: Attempt): Promise<readonly Order[]> {
    const orders: unknown = await this.#ask('getOpenOrders', () =>
      this.#client.trading.orders.getAllOrders({ status: 'open', limit: 500 }, { signal }),
    )
    return answers(this.name, 'getOpenOrders', orders).map(readOrder)
  }

  async getAccount({ signal }: Attempt): Promise<Account> {
    const account: unknown = await this.#ask('getAccount', () => this.#client.trading.account.getAccount({ signal }))
    return readAccount(this.#answer('getAccount', account))
  }

  async getPositions({ signal }: Attempt): Promise<readonly Position[]> {
    const positions: unknown = await this.#ask('getPositions', () =>
      this.#client.trading.positions.getAllOpenPositions({ signal }),
    )
    return answers(this.name, 'getPositions', positions).map(readPosition)
  }

  /** Something that must not happen twice: its request carries the header by which the wire tells whether it left. */
  async #send(
    operation: string,
    clientOrderId: string,
    signal: AbortSignal,
    send: (init: InitOverrides) => Promise<unknown>,
  ): Promise<Order> {
    try {
      const sent = await withWireProof((headers) =>
        this.#ask(operation, () =>
          send(async ({ init }) => ({ ...init, signal, headers: { ...headersOf(init), ...headers } })),
        ),
      )
      return readOrder(this.#answer(operation, sent))
    } catch (error) {
      throw isDuplicate(error) ? new DuplicateOrderIdError(clientOrderId, error) : error
    }
  }

  async #ask<T>(operation: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask()
    } catch (error) {
      throw this.#told(operation, error)
    }
  }

  /** The SDK's errors in the words of all brokers. */
  #told(operation: string, error: unknown): unknown {
    if (error instanceof TradingError) return error
    // The SDK lets a 200 whose body is no JSON through as a bare SyntaxError.
    if (error instanceof SyntaxError)
      return new MalformedAnswerError(this.name, operation, 'its body is no JSON', error)
    const facts = describeFailure(error)
    if (facts.kind === 'cancelled' || !(error instanceof Error)) return error
    return new UpstreamRequestError(`${this.name}.${operation}: ${error.message.slice(0, 300)}`, facts, error)
  }

  #answer(operation: string, value: unknown): Answer {
    return new Answer(this.name, operation, value)
  }
}

/** Headers as the SDK hands them on: a plain object. */
function headersOf({ headers }: { headers?: unknown }): Record<string, string> {
  const texts = Object.entries(typeof headers === 'object' && headers !== null ? headers : {}).map(
    ([name, value]): [string, string] => [name, String(value)],
  )
  return Object.fromEntries(texts)
}

/** 40010001 is said of any invalid order, so the text has to tell. */
function isDuplicate(error: unknown): boolean {
  return (
    error instanceof Error &&
    describeFailure(error).status === 422 &&
    /client_order_id must be unique/i.test(error.message)
  )
}
