/** A broker in virtual time, as the desk sees one through an adapter: it executes, or not, and its answers arrive, or not. */
import type { Clock, Random, Unsubscribe } from 'holdfast'
import {
  type Account,
  type Attempt,
  type BrokerAdapter,
  DuplicateOrderIdError,
  type Intent,
  NeverSentError,
  type Order,
  OrderRefusedError,
  type Position,
  type PreparedOrder,
  type PreparedReplacement,
} from '../../src/index.ts'

/** What befalls one request. */
export interface Fate {
  /** Whether it has an effect at the broker, and after how many milliseconds. */
  readonly executesAfterMs: number | undefined
  /** What comes back: the answer, an error, or nothing. */
  readonly answer: 'order' | 'never-sent' | 'refused' | 'throttled' | 'reset' | 'status500' | 'nothing'
  /** After how many milliseconds. */
  readonly answersAfterMs: number
}

export const WELL: Fate = { executesAfterMs: 5, answer: 'order', answersAfterMs: 10 }
export const LOST: Fate = { executesAfterMs: 5, answer: 'reset', answersAfterMs: 10 }
export const NOT_CONNECTED: Fate = { executesAfterMs: undefined, answer: 'never-sent', answersAfterMs: 1 }
export const RESET_BEFORE: Fate = { executesAfterMs: undefined, answer: 'reset', answersAfterMs: 10 }
export const HANGS_AFTER: Fate = { executesAfterMs: 5, answer: 'nothing', answersAfterMs: 0 }
export const HANGS_BEFORE: Fate = { executesAfterMs: undefined, answer: 'nothing', answersAfterMs: 0 }
export const REFUSES: Fate = { executesAfterMs: undefined, answer: 'refused', answersAfterMs: 10 }
export const THROTTLES: Fate = { executesAfterMs: undefined, answer: 'throttled', answersAfterMs: 1 }
/** Executed so late that nobody waits for it any more. */
export const SLOW: Fate = { executesAfterMs: 9_000, answer: 'order', answersAfterMs: 9_500 }

/** The broker itself: its books outlive every process that trades with it. */
export class SimulatedExchange {
  readonly orders = new Map<string, Order[]>()
  /** What befalls the next requests, in order; when there are no more, all is well. */
  readonly fates: Fate[] = []
  /** For how long a lookup does not find a new order, in milliseconds. */
  visibilityLagMs = 0
  /** Whether orders can be sent: if not, none ever leaves. */
  takesOrders = true
  /** How long a lookup takes, in milliseconds. */
  lookupMs = 5
  /** Whether lookups are answered. */
  answersLookups = true
  readonly refusesDuplicateIds: boolean
  /** What is said of a second copy: that its id is taken, or that there is no money for it, since the first has used it up. */
  readonly saysOfCopies: 'id-is-taken' | 'no-buying-power'
  readonly clock: Clock
  readonly #listeners = new Set<(order: Order) => void>()
  readonly #bookedAt = new Map<Order, number>()

  constructor(
    clock: Clock,
    options: {
      readonly refusesDuplicateIds: boolean
      readonly saysOfCopies?: 'id-is-taken' | 'no-buying-power'
    },
  ) {
    this.clock = clock
    this.refusesDuplicateIds = options.refusesDuplicateIds
    this.saysOfCopies = options.saysOfCopies ?? 'id-is-taken'
  }

  /** How often an intent was executed. */
  executions(clientOrderId: string): number {
    return this.orders.get(clientOrderId)?.length ?? 0
  }

  /** Tells of executions at once, as a stream does. */
  stream(listener: (order: Order) => void): Unsubscribe {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  execute(intent: Intent): Order | undefined {
    const { clientOrderId } = intent
    const known = this.orders.get(clientOrderId) ?? []
    if (known.length > 0 && this.refusesDuplicateIds) return undefined
    const order = orderOf(intent, known.length)
    this.orders.set(clientOrderId, [...known, order])
    this.#bookedAt.set(order, this.clock.now())
    for (const tell of this.#listeners) tell(order)
    return order
  }

  visible(clientOrderId: string): Order | undefined {
    const [order] = this.orders.get(clientOrderId) ?? []
    const since = order === undefined ? undefined : this.#bookedAt.get(order)
    return since !== undefined && this.clock.now() - since >= this.visibilityLagMs ? order : undefined
  }
}

/** One process's way to the exchange. What was sent goes on after the process has died; nothing comes back to it then. */
export class SimulatedAdapter implements BrokerAdapter {
  readonly name = 'simulated'
  readonly longestClientOrderId = 48
  readonly refusesDuplicateIds: boolean
  readonly #streams: boolean
  /** Every request that was handed over, by its intent. */
  readonly sent: string[] = []
  isDead = false
  readonly #exchange: SimulatedExchange

  constructor(exchange: SimulatedExchange, options: { readonly streams?: boolean } = {}) {
    this.#exchange = exchange
    this.refusesDuplicateIds = exchange.refusesDuplicateIds
    this.#streams = options.streams ?? false
  }

  onOrder(listener: (order: Order) => void): Unsubscribe {
    return this.#exchange.stream((order) => this.#streams && !this.isDead && listener(order))
  }

  placeOrder(order: PreparedOrder, attempt: Attempt): Promise<Order> {
    return this.#send(order, attempt)
  }

  replaceOrder(change: PreparedReplacement, attempt: Attempt): Promise<Order> {
    return this.#send(change, attempt)
  }

  async cancelOrder(_orderId: string): Promise<void> {}

  async cancelAllOrders(): Promise<void> {}

  findOrder(clientOrderId: string, { signal }: Attempt): Promise<Order | undefined> {
    return this.#later(this.#exchange.lookupMs, signal, () => {
      if (!this.#exchange.answersLookups) throw hangUp()
      return this.#exchange.visible(clientOrderId)
    })
  }

  getOrder(orderId: string): Promise<Order> {
    const order = [...this.#exchange.orders.values()].flat().find(({ id }) => id === orderId)
    return order === undefined ? Promise.reject(hangUp()) : Promise.resolve(order)
  }

  async getOpenOrders(): Promise<readonly Order[]> {
    return [...this.#exchange.orders.values()].flat()
  }

  getAccount(): Promise<Account> {
    return Promise.reject(hangUp())
  }

  async getPositions(): Promise<readonly Position[]> {
    return []
  }

  #send(intent: Intent, { signal }: Attempt): Promise<Order> {
    const { clock, fates, takesOrders } = this.#exchange
    this.sent.push(intent.clientOrderId)
    const fate = takesOrders ? (fates.shift() ?? WELL) : NOT_CONNECTED
    let executed: Order | undefined
    let isTaken = false
    if (fate.executesAfterMs !== undefined) {
      clock.setTimer(() => {
        executed = this.#exchange.execute(intent)
        isTaken = executed === undefined
      }, fate.executesAfterMs)
    }
    return this.#later(fate.answer === 'nothing' ? undefined : fate.answersAfterMs, signal, () => {
      switch (fate.answer) {
        case 'order':
          if (isTaken) throw this.#refusalOfCopy(intent)
          if (executed === undefined) throw hangUp()
          return executed
        case 'never-sent':
          throw new NeverSentError(hangUp())
        case 'refused':
          throw new OrderRefusedError('no buying power')
        case 'throttled':
          throw Object.assign(new Error('too fast'), { status: 429, retryAfterMs: 100 })
        case 'status500':
          throw Object.assign(new Error('internal error'), { status: 500 })
        default:
          throw hangUp()
      }
    })
  }

  #refusalOfCopy({ clientOrderId }: Intent): Error {
    return this.#exchange.saysOfCopies === 'id-is-taken'
      ? new DuplicateOrderIdError(clientOrderId, undefined)
      : new OrderRefusedError('no buying power')
  }

  /** Answers after a while; given up at once when the signal says so; and not at all to a process that is dead. */
  #later<T>(ms: number | undefined, signal: AbortSignal, answer: () => T): Promise<T> {
    const { clock } = this.#exchange
    return new Promise((resolve, reject) => {
      signal.addEventListener('abort', () => !this.isDead && reject(new DOMException('given up', 'AbortError')))
      if (ms === undefined) return
      clock.setTimer(() => {
        if (this.isDead) return
        try {
          resolve(answer())
        } catch (error) {
          reject(error)
        }
      }, ms)
    })
  }
}

/** One of several, as chance has it. */
export function drawn<T>(choices: readonly T[], random: Random): T {
  const choice = choices[Math.floor(random() * choices.length)]
  if (choice === undefined) throw new Error('there is nothing to choose from')
  return choice
}

function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

function orderOf(intent: Intent, copy: number): Order {
  const { clientOrderId } = intent
  const { symbol, side, type } = intent.kind === 'order' ? intent : { symbol: 'AAPL', side: 'buy', type: 'limit' }
  return {
    id: `${clientOrderId}:${copy}`,
    clientOrderId,
    symbol,
    side,
    type,
    quantity: intent.quantity ?? '1',
    filledQuantity: '0',
    averageFillPrice: null,
    limitPrice: intent.limitPrice,
    stopPrice: intent.stopPrice,
    status: 'new',
    isOpen: true,
    submittedAt: 0,
  }
}
