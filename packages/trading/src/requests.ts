/** What requests are made of, and what is asked of them before anything is sent. */
import { InvalidRequestError } from './errors.ts'

/** What a caller can say about one request. */
export interface RequestOptions {
  /** Gives up the request. An order that may have been sent is then in doubt. */
  readonly signal?: AbortSignal | undefined
  /** Limit of the whole request in milliseconds, instead of the service's. */
  readonly timeoutMs?: number | undefined
  /** For how much longer the caller's own caller waits, in milliseconds; the earlier of the two holds. */
  readonly deadlineMs?: number | undefined
}

/** A symbol in capitals. @throws InvalidRequestError */
export function checkedSymbol(symbol: string): string {
  const upper = symbol.length <= 21 ? symbol.toUpperCase() : symbol
  if (/^[A-Z0-9.:-]{1,21}$/.test(upper)) return upper
  throw new InvalidRequestError('symbol', symbol, 'it must be 1 to 21 letters, digits, dots, colons or hyphens')
}

/** A figure above zero as a text. @throws InvalidRequestError */
export function checkedDecimal(field: string, text: string): string {
  if (/^\d{1,15}(\.\d{1,9})?$/.test(text) && Number(text) > 0) return text
  throw new InvalidRequestError(field, text, 'it must be a decimal figure above 0, such as "10" or "187.25"')
}

/**
 * An id that can stand in a path. One dot or two are none: on their way they would become another resource, and
 * `DELETE /v2/orders/.` cancels all orders.
 *
 * @throws InvalidRequestError
 */
export function checkedId(field: string, id: string): string {
  if (/^(?!\.{1,2}$)[A-Za-z0-9_.:#-]{1,128}$/.test(id)) return id
  throw new InvalidRequestError(
    field,
    id,
    'it must be 1 to 128 letters, digits, or any of _ . : # -, and not only dots',
  )
}

/** A date, or a moment. @throws InvalidRequestError */
export function checkedTime(field: string, text: string): string {
  if (/^\d{4}-\d{2}-\d{2}(T[0-9:.]{5,12}(Z|[+-]\d{2}:\d{2}))?$/.test(text) && !Number.isNaN(Date.parse(text)))
    return text
  throw new InvalidRequestError(field, text, 'it must be a date like 2026-01-05, or a moment like 2026-01-05T14:30:00Z')
}

/** A date. @throws InvalidRequestError */
export function checkedDate(field: string, text: string): string {
  if (/^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text))) return text
  throw new InvalidRequestError(field, text, 'it must be a date like 2026-01-05')
}
