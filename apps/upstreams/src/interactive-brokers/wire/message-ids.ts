/** Messages of the protocol by their first field. */

/** What a client asks for. */
export const REQUEST = {
  REQ_MKT_DATA: 1,
  CANCEL_MKT_DATA: 2,
  PLACE_ORDER: 3,
  CANCEL_ORDER: 4,
  REQ_OPEN_ORDERS: 5,
  REQ_ACCOUNT_DATA: 6,
  REQ_EXECUTIONS: 7,
  REQ_IDS: 8,
  REQ_ALL_OPEN_ORDERS: 16,
  REQ_MANAGED_ACCTS: 17,
  REQ_HISTORICAL_DATA: 20,
  CANCEL_HISTORICAL_DATA: 25,
  REQ_CURRENT_TIME: 49,
  REQ_GLOBAL_CANCEL: 58,
  REQ_MARKET_DATA_TYPE: 59,
  REQ_POSITIONS: 61,
  REQ_ACCOUNT_SUMMARY: 62,
  CANCEL_ACCOUNT_SUMMARY: 63,
  CANCEL_POSITIONS: 64,
  START_API: 71,
  REQ_COMPLETED_ORDERS: 99,
} as const

/** What the server tells. */
export const ANSWER = {
  TICK_PRICE: 1,
  TICK_SIZE: 2,
  ORDER_STATUS: 3,
  ERROR: 4,
  OPEN_ORDER: 5,
  ACCOUNT_VALUE: 6,
  PORTFOLIO_VALUE: 7,
  ACCOUNT_UPDATE_TIME: 8,
  NEXT_VALID_ID: 9,
  EXECUTION: 11,
  MANAGED_ACCTS: 15,
  HISTORICAL_DATA: 17,
  TICK_STRING: 46,
  CURRENT_TIME: 49,
  OPEN_ORDER_END: 53,
  ACCOUNT_DOWNLOAD_END: 54,
  EXECUTIONS_END: 55,
  TICK_SNAPSHOT_END: 57,
  MARKET_DATA_TYPE: 58,
  COMMISSION_REPORT: 59,
  POSITION: 61,
  POSITION_END: 62,
  ACCOUNT_SUMMARY: 63,
  ACCOUNT_SUMMARY_END: 64,
  TICK_REQ_PARAMS: 81,
  COMPLETED_ORDER: 101,
  COMPLETED_ORDERS_END: 102,
} as const

const names: ReadonlyMap<number, string> = new Map(Object.entries(REQUEST).map(([name, id]) => [id, name]))

/** The name of a request, for the log. */
export function requestName(msgId: number): string {
  return names.get(msgId) ?? `message ${msgId}`
}
