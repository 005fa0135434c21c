import type { LedgerRow } from '../ledger.ts'
import type { WorkingOrder } from '../market/fills.ts'
import type { Contract } from './contracts.ts'
import type { OrderType } from './place-order.ts'

export type OrderState = 'Inactive' | 'PreSubmitted' | 'Submitted' | 'Filled' | 'Cancelled'

/** One trade of an order. */
export interface Execution {
  readonly execId: string
  /** Market time, milliseconds since 1970. */
  readonly at: number
  readonly qty: number
  readonly price: number
  /** What the order had got by then, and its average price. */
  readonly cumQty: number
  readonly avgPrice: number
  readonly commission: number
}

/** How a client is told about an order, when a fault befell it. */
export interface Telling {
  /** Nothing is told, or no states: executions only. */
  readonly drop?: 'everything' | 'states'
  /** How many times states are told; usually once. */
  readonly times: number
  /** The first fill is told before the acknowledgement. */
  readonly fillFirst: boolean
}

/** An order in the books of Interactive Brokers. */
export interface TwsOrder extends WorkingOrder {
  /** Unique in the account, for ever. */
  readonly permId: number
  /** The client's number of it. */
  readonly orderId: number
  readonly clientId: number
  readonly contract: Contract
  readonly orderType: OrderType
  readonly orderRef: string
  readonly intent: string
  readonly account: string
  readonly parentId: number
  telling: Telling
  readonly executions: Execution[]
  qty: string
  limitPrice: string | null
  stopPrice: string | null
  timeInForce: string
  transmitted: boolean
  state: OrderState
  avgFillPrice: number
  /** Market time; null while it is open. */
  completedAt: number | null
  /** Rows of the ledger that wait for the client to be told. */
  unacknowledged: LedgerRow[]
}

/** Whether an order can still be filled, changed or cancelled. */
export function isOpen({ state }: TwsOrder): boolean {
  return state !== 'Filled' && state !== 'Cancelled'
}
