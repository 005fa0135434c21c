import type { Connection } from '@holdfast/testing'
import { Broker, type BrokerAdapter, memoryJournal, type Order, type PreparedOrder } from '@holdfast/trading'
import type { Clock, Service } from 'holdfast'

/** Places orders as the trading package does: written down first, and looked up before anything is sent twice. */
export class Orders {
  readonly #broker: Broker
  readonly #connections = new Map<string, Connection>()

  constructor(service: Service, clock: Clock) {
    this.#broker = new Broker(this.#adapter(), { service, clock, journal: memoryJournal() })
  }

  async place(id: number, connection: Connection, timeoutMs: number): Promise<Order> {
    const clientOrderId = `order-${id}`
    this.#connections.set(clientOrderId, connection)
    const request = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market', clientOrderId } as const
    const outcome = await this.#broker.submitOrder(request, { timeoutMs })
    this.#connections.delete(clientOrderId)
    if (outcome.status === 'accepted') return outcome.order
    throw new Error(`the order is ${outcome.status}`)
  }

  #adapter(): BrokerAdapter {
    const connectionOf = (id: string): Connection => {
      const connection = this.#connections.get(id)
      if (connection === undefined) throw new RangeError(`no order ${id} is under way`)
      return connection
    }
    const unused = (): never => {
      throw new RangeError('no scenario asks for this')
    }
    return {
      name: 'simulated',
      longestClientOrderId: 48,
      refusesDuplicateIds: false,
      placeOrder: async (order, { signal }) => {
        await connectionOf(order.clientOrderId).send(signal)
        return acknowledged(order)
      },
      findOrder: async (clientOrderId, { signal }) => {
        const executions = await connectionOf(clientOrderId).lookUp(signal)
        return executions > 0 ? acknowledged({ clientOrderId }) : undefined
      },
      replaceOrder: unused,
      cancelOrder: unused,
      cancelAllOrders: unused,
      getOrder: unused,
      getOpenOrders: unused,
      getAccount: unused,
      getPositions: unused,
    }
  }
}

function acknowledged({ clientOrderId }: Pick<PreparedOrder, 'clientOrderId'>): Order {
  return {
    id: clientOrderId,
    clientOrderId,
    symbol: 'AAPL',
    side: 'buy',
    type: 'market',
    quantity: '1',
    filledQuantity: '0',
    averageFillPrice: null,
    limitPrice: null,
    stopPrice: null,
    status: 'accepted',
    isOpen: true,
    submittedAt: 0,
  }
}
