/** One attempt at a time, through the SDK. */
import type { streaming } from '@alpacahq/alpaca-trade-api'
import type { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { describeFailure, type Service, type Unsubscribe } from 'holdfast'
import { Answer, answers } from '../answer.ts'
import type { Account, Position } from '../broker/account.ts'
import type { Attempt, BrokerAdapter, SendingAttempt } from '../broker/broker-adapter.ts'
import type { Order, PreparedOrder, PreparedReplacement } from '../broker/order.ts'
import { DuplicateOrderIdError, InvalidRequestError, MalformedAnswerError, UpstreamRequestError } from '../errors.ts'
import { withWireProof } from '../wire/with-wire-proof.ts'
import { alpacaError } from './alpaca-error.ts'
import { readAccount, readOrder, readPosition } from './answers.ts'
import { withToldLimits } from './told-limits.ts'

/** What an SDK's method takes last: how its request differs from what it would be. */
type InitOverrides = (context: { init: { headers?: unknown } }) => Promise<RequestInit>

/** Alpaca through its own SDK. */
export class AlpacaAdapter implements BrokerAdapter {
  readonly name: string
  /** Alpaca takes more today; this is what all brokers take. */
  readonly longestClientOrderId = 48
  readonly refusesDuplicateIds = true
  readonly #orders: Alpaca['trading']['orders']
  readonly #account: Alpaca['trading']['account']
  readonly #positions: Alpaca['trading']['positions']
  readonly #tradeUpdates: streaming.TradingStream | undefined

  constructor(service: Service, { trading }: Alpaca, tradeUpdates: streaming.TradingStream | undefined) {
    this.name = service.name
    this.#orders = withToldLimits(trading.orders, service)
    this.#account = withToldLimits(trading.account, service)
    this.#positions = withToldLimits(trading.positions, service)
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

  async placeOrder(order: PreparedOrder, attempt: SendingAttempt): Promise<Order> {
    const { symbol, side, quantity: qty, type, timeInForce, clientOrderId, limitPrice, stopPrice } = order
    const prices = {
      ...(limitPrice === null ? {} : { limitPrice }),
      ...(stopPrice === null ? {} : { stopPrice }),
    }
    const postOrderRequest = { symbol, side, qty, type, timeInForce, clientOrderId, ...prices }
    return await this.#send('submitOrder', clientOrderId, attempt, (init) =>
      this.#orders.postOrder({ postOrderRequest }, init),
    )
  }

  async replaceOrder(change: PreparedReplacement, attempt: SendingAttempt): Promise<Order> {
    const { orderId, clientOrderId, quantity, limitPrice, stopPrice, timeInForce } = change
    const patchOrderRequest = {
      clientOrderId,
      ...(quantity === null ? {} : { qty: quantity }),
      ...(limitPrice === null ? {} : { limitPrice }),
      ...(stopPrice === null ? {} : { stopPrice }),
      ...(timeInForce === null ? {} : { timeInForce }),
    }
    return await this.#send('replaceOrder', clientOrderId, attempt, (init) =>
      this.#orders.patchOrderByOrderId({ orderId, patchOrderRequest }, init),
    )
  }

  async cancelOrder(orderId: string, { signal }: Attempt): Promise<void> {
    await this.#ask('cancelOrder', () => this.#orders.deleteOrderByOrderID({ orderId }, { signal }))
  }

  async cancelAllOrders({ signal }: Attempt): Promise<void> {
    const answer = await this.#ask('cancelAllOrders', () => this.#orders.deleteAllOrders({ signal }))
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
        this.#orders.getOrderByClientOrderId({ clientOrderId }, { signal }),
      )
      return readOrder(this.#answer('findOrder', found))
    } catch (error) {
      if (describeFailure(error).status === 404) return undefined
      throw error
    }
  }

  async getOrder(orderId: string, { signal }: Attempt): Promise<Order> {
    const order: unknown = await this.#ask('getOrder', () => this.#orders.getOrderByOrderID({ orderId }, { signal }))
    return readOrder(this.#answer('getOrder', order))
  }

  async getOpenOrders({ signal }: Attempt): Promise<readonly Order[]> {
    const orders: unknown = await this.#ask('getOpenOrders', () =>
      this.#orders.getAllOrders({ status: 'open', limit: 500 }, { signal }),
    )
    return answers(this.name, 'getOpenOrders', orders).map(readOrder)
  }

  async getAccount({ signal }: Attempt): Promise<Account> {
    const account: unknown = await this.#ask('getAccount', () => this.#account.getAccount({ signal }))
    return readAccount(this.#answer('getAccount', account))
  }

  async getPositions({ signal }: Attempt): Promise<readonly Position[]> {
    const positions: unknown = await this.#ask('getPositions', () => this.#positions.getAllOpenPositions({ signal }))
    return answers(this.name, 'getPositions', positions).map(readPosition)
  }

  /** Something that must not happen twice: its request carries the header by which the wire tells whether it left. */
  async #send(
    operation: string,
    clientOrderId: string,
    { signal, halt }: SendingAttempt,
    send: (init: InitOverrides) => Promise<unknown>,
  ): Promise<Order> {
    try {
      const sent = await withWireProof(
        (headers) =>
          this.#ask(operation, () =>
            send(async ({ init }) => ({ ...init, signal, headers: { ...headersOf(init), ...headers } })),
          ),
        halt,
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
      throw alpacaError(this.name, operation, error)
    }
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
