import { type ContractQuery, readContract } from './contracts.ts'
import { BadMessageError, FieldReader } from './wire/field-reader.ts'

/** The types of orders that are taken. */
export const ORDER_TYPES = ['MKT', 'LMT', 'STP', 'STP LMT'] as const

export type OrderType = (typeof ORDER_TYPES)[number]

/** What a client asks for with PLACE_ORDER. */
export interface PlaceOrder {
  readonly orderId: number
  readonly contract: ContractQuery
  readonly side: 'buy' | 'sell'
  /** A decimal text. */
  readonly qty: string
  /** As the client wrote it: it may be one that is not taken. */
  readonly orderType: string
  readonly limitPrice: string | null
  readonly stopPrice: string | null
  readonly timeInForce: string
  readonly account: string
  readonly orderRef: string
  /** Whether it goes to the market; otherwise TWS keeps it. */
  readonly transmit: boolean
  /** The order that must be filled first; 0 for none. */
  readonly parentId: number
}

/** Where PLACE_ORDER has its order reference. */
export const ORDER_REF_FIELD = 26

/** Reads PLACE_ORDER as a client of server version 176 sends it; what follows the parent's id is not needed here. @throws BadMessageError */
export function readPlaceOrder(message: readonly string[]): PlaceOrder {
  const fields = new FieldReader(message, 1)
  const orderId = fields.integer()
  const contract = readContract(fields)
  // Kind and value of another name of the security.
  fields.skip(2)
  const action = fields.text()
  if (action !== 'BUY' && action !== 'SELL') throw new BadMessageError(`the action is "${action.slice(0, 40)}"`)
  const qty = fields.decimalOrNull() ?? '0'
  const orderType = fields.text()
  const limitPrice = fields.decimalOrNull()
  const auxPrice = fields.decimalOrNull()
  const timeInForce = fields.text()
  fields.skip(1)
  const account = fields.text()
  fields.skip(2)
  const orderRef = fields.text()
  const transmit = fields.flagOr(true)
  const parentId = fields.integerOr(0)
  return {
    orderId,
    contract,
    side: action === 'BUY' ? 'buy' : 'sell',
    qty,
    orderType,
    limitPrice: orderType === 'LMT' || orderType === 'STP LMT' ? limitPrice : null,
    stopPrice: orderType === 'STP' || orderType === 'STP LMT' ? auxPrice : null,
    timeInForce: timeInForce === '' ? 'DAY' : timeInForce,
    account,
    orderRef,
    transmit,
    parentId,
  }
}

export function isOrderType(text: string): text is OrderType {
  return ORDER_TYPES.some((type) => type === text)
}
