/** What the numbers mean that TWS puts on its errors and its news. */

/** Codes that the link acts on. */
export const TWS = {
  /** More than 50 messages a second. */
  TOO_MANY_MESSAGES: 100,
  DUPLICATE_ORDER_ID: 103,
  ORDER_CANCELLED: 202,
  CLIENT_ID_IN_USE: 326,
  /** The SDK's own: no connection could be made, or it broke. */
  CONNECTION_FAILED: 502,
  /** TWS has lost Interactive Brokers. */
  CONNECTIVITY_LOST: 1100,
  /** It has it back, and what was subscribed to is gone. */
  RESTORED_DATA_LOST: 1101,
  RESTORED_DATA_KEPT: 1102,
  /** The port was reset: this connection is about to end. */
  PORT_RESET: 1300,
  /** As 1100, in other words. */
  SERVER_LOST: 2110,
} as const

/** Data farms: broken, and well again. */
const FARMS: ReadonlyMap<number, 'broken' | 'well'> = new Map([
  [2103, 'broken'],
  [2105, 'broken'],
  [2157, 'broken'],
  [2104, 'well'],
  [2106, 'well'],
  [2158, 'well'],
])

/** What a code says about a data farm, if it is about one. */
export function farmNews(code: number): 'broken' | 'well' | undefined {
  return FARMS.get(code)
}

/** Codes of warnings: what they are about goes on. 399 is an order that waits; 404 one whose shares are being sought. */
const WARNINGS: ReadonlySet<number> = new Set([399, 404, 10_090, 10_167, 10_349])

/** Whether what comes as an error is none: information and warnings about a request that goes on. */
export function isWarning(code: number, message: string): boolean {
  return (code >= 2_100 && code < 3_000) || WARNINGS.has(code) || message.startsWith('Warning:')
}

/**
 * Codes that say that an order was read and is not wanted. Of any other code nothing is concluded: the order's state, or a
 * look, has to tell.
 */
const REFUSALS: ReadonlySet<number> = new Set([
  104, 105, 106, 107, 109, 110, 111, 113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 129, 131,
  132, 133, 134, 136, 140, 141, 144, 145, 146, 147, 148, 151, 152, 154, 157, 158, 160, 163, 164, 167, 168, 200, 201,
  203, 321, 325, 328, 329, 336, 337, 338, 339, 340, 341, 342, 343, 344, 345, 347, 348, 349, 350, 351, 352, 353, 355,
  356, 357, 358, 359, 360, 361, 362, 363, 367, 368, 369, 370, 371, 372, 373, 375, 376, 377, 378, 379, 380, 382, 383,
  384, 385, 386, 387, 388, 389, 390, 391, 392, 393, 394, 395, 396, 397, 398, 400, 401, 402, 403, 405, 406, 407, 408,
  409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 419, 422, 423, 424, 425, 426, 427, 428, 429, 430, 431, 432, 433,
  434, 435, 436, 437, 438, 439, 440, 441, 442, 443, 445, 446, 447, 460, 461, 10_243, 10_244, 10_245, 10_246, 10_289,
])

/** Whether an error about an order says that the broker does not have it. */
export function refusesOrder(code: number): boolean {
  return REFUSALS.has(code)
}

/** Whether an error about a cancellation says that there is no such order, or that it is too late. */
export function cancelRefusal(code: number): 404 | 422 | undefined {
  if (code === 135 || code === 10_147) return 404
  return code === 161 || code === 10_148 ? 422 : undefined
}
