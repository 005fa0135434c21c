/** Alpaca through its own SDK (`@alpacahq/alpaca-trade-api` 4), behind a service's guards. */
import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { type Call, describeFailure, type Service } from 'holdfast'
import { Answer, answers } from '../answer.ts'
import type { Account, Broker, Order, OrderRequest, Position } from '../broker.ts'
import { MalformedAnswerError, OrderInDoubtError } from '../errors.ts'
import { checkedId, type RequestOptions } from '../requests.ts'
import { readAccount, readOrder, readPosition } from './answers.ts'
import { prepareOrder } from './order-request.ts'

/** Who calls Alpaca, and where it is. */
export interface AlpacaBrokerOptions {
  /** The service whose guards every request passes. Use the profile `BROKER`. */
  readonly service: Service
  readonly keyId: string
  readonly secretKey: string
  /** Whether it is play money. Default true. */
  readonly paper?: boolean | undefined
  /** Where the trading API is, if not at Alpaca's. */
  readonly tradingUrl?: string | undefined
}

/** Alpaca, guarded. Made by {@link createAlpacaBroker}. */
export class AlpacaBroker implements Broker {
  readonly service: Service
  readonly #client: Alpaca

  constructor({ service, keyId, secretKey, paper = true, tradingUrl }: AlpacaBrokerOptions) {
    this.service = service
    this.#client = new Alpaca({
      keyId,
      secret: secretKey,
      paper,
      // One layer of retries and one limiter: the service's. Two would multiply what reaches the broker.
      retry: false,
      rateLimit: false,
      ...(tradingUrl === undefined ? {} : { fetchApi: (url, init) => fetch(movedTo(tradingUrl, url), init) }),
    })
  }

  getAccount(options?: RequestOptions): Promise<Account> {
    return this.#read('getAccount', options, async ({ signal }) =>
      readAccount(this.#answer('getAccount', await this.#client.trading.account.getAccount({ signal }))),
    )
  }

  getPositions(options?: RequestOptions): Promise<readonly Position[]> {
    return this.#read('getPositions', options, async ({ signal }) => {
      const positions: unknown = await this.#client.trading.positions.getAllOpenPositions({ signal })
      return answers(this.service.name, 'getPositions', positions).map(readPosition)
    })
  }

  async submitOrder(request: OrderRequest, options: RequestOptions = {}): Promise<Order> {
    const order = prepareOrder(request)
    let inDoubt = false
    try {
      return await this.service.execute(
        async (call) => {
          const { attempt, signal } = call
          inDoubt = true
          try {
            const sent = await this.#client.trading.orders.postOrder({ postOrderRequest: order }, { signal })
            return readOrder(this.#answer('submitOrder', sent))
          } catch (error) {
            const { kind } = describeFailure(error)
            inDoubt = kind !== 'refused' && kind !== 'never-sent'
            // The first attempt was thought lost; that its id is taken proves that it arrived.
            if (attempt > 1 && isDuplicate(error)) return await this.#lookUp(order.clientOrderId, signal)
            throw error
          }
        },
        { ...options, operation: 'submitOrder', idempotent: false },
      )
    } catch (error) {
      throw inDoubt ? new OrderInDoubtError(order.clientOrderId, error) : error
    }
  }

  async getOrder(orderId: string, options?: RequestOptions): Promise<Order> {
    const id = checkedId('orderId', orderId)
    return await this.#read('getOrder', options, async ({ signal }) =>
      readOrder(
        this.#answer('getOrder', await this.#client.trading.orders.getOrderByOrderID({ orderId: id }, { signal })),
      ),
    )
  }

  async getOrderByClientOrderId(clientOrderId: string, options?: RequestOptions): Promise<Order> {
    const id = checkedId('clientOrderId', clientOrderId)
    return await this.#read('getOrderByClientOrderId', options, ({ signal }) => this.#lookUp(id, signal))
  }

  async cancelOrder(orderId: string, options: RequestOptions = {}): Promise<void> {
    const id = checkedId('orderId', orderId)
    await this.service.execute(
      ({ signal }) => this.#client.trading.orders.deleteOrderByOrderID({ orderId: id }, { signal }),
      {
        ...options,
        operation: 'cancelOrder',
        // Cancelling twice cancels once.
        idempotent: true,
      },
    )
  }

  async #lookUp(clientOrderId: string, signal: AbortSignal): Promise<Order> {
    const found: unknown = await this.#client.trading.orders.getOrderByClientOrderId({ clientOrderId }, { signal })
    return readOrder(this.#answer('getOrderByClientOrderId', found))
  }

  #read<T>(
    operation: string,
    options: RequestOptions | undefined,
    ask: (call: Call) => Promise<T>,
  ): Promise<Awaited<T>> {
    const named = { ...options, operation, idempotent: true }
    return this.service.execute(async (call) => {
      try {
        return await ask(call)
      } catch (error) {
        // The SDK lets a 200 whose body is no JSON through as a bare SyntaxError.
        if (!(error instanceof SyntaxError)) throw error
        throw new MalformedAnswerError(this.service.name, operation, 'its body is no JSON', error)
      }
    }, named)
  }

  #answer(operation: string, value: unknown): Answer {
    return new Answer(this.service.name, operation, value)
  }
}

/**
 * Alpaca through its own SDK, whose retries and limiter are switched off in favour of the service's.
 *
 * @example
 * const broker = createAlpacaBroker({ service: resilience.service('alpaca'), keyId, secretKey })
 * const account = await broker.getAccount()
 */
export function createAlpacaBroker(options: AlpacaBrokerOptions): AlpacaBroker {
  return new AlpacaBroker(options)
}

/** The SDK knows only Alpaca's own hosts; paths are the same everywhere. */
function movedTo(base: string, url: string): string {
  const { pathname, search } = new URL(url)
  return `${base.replace(/\/$/, '')}${pathname}${search}`
}

/** 40010001 is said of any invalid order, so the text has to tell. */
function isDuplicate(error: unknown): boolean {
  return (
    error instanceof Error &&
    describeFailure(error).status === 422 &&
    /client_order_id must be unique/i.test(error.message)
  )
}
