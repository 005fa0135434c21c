/** Reading the headers of answers and errors of any origin, hostile ones included. */
import type { Clock } from './clock.ts'

/** The headers of an answer, or of an error that carries one. */
export function headersOf(link: unknown): unknown {
  return read(read(link, 'response'), 'headers') ?? read(link, 'headers')
}

/** One header, its name in lower case, whatever kind of headers they are. */
export function headerOf(headers: unknown, name: string): string | undefined {
  const get = read(headers, 'get')
  const value: unknown = typeof get === 'function' ? callGetter(get, headers, name) : read(headers, name)
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}

function callGetter(get: CallableFunction, headers: unknown, name: string): unknown {
  try {
    return Reflect.apply(get, headers, [name])
  } catch {
    // Not a headers object after all: there is no header to read.
    return undefined
  }
}

/**
 * Reads a `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date, which needs a clock.
 *
 * @param date the header `Date` of the same answer: the clock of who wrote both need not agree with ours
 * @returns milliseconds, at least 0; undefined for anything else
 */
export function parseRetryAfter(value: string, clock?: Clock, date?: string): number | undefined {
  const text = value.trim()
  if (/^\d{1,10}$/.test(text)) return Number(text) * 1_000
  if (clock === undefined) return undefined
  const waitMs = parseHttpDate(text) - sendersTime(date, clock)
  return Number.isNaN(waitMs) ? undefined : Math.max(0, waitMs)
}

/** What time it was for who sent an answer, in milliseconds since 1970: as its `Date` says, else by our own clock. */
export function sendersTime(date: string | undefined, clock: Clock): number {
  const told = parseHttpDate(date ?? '')
  return Number.isNaN(told) ? clock.wallTime() : told
}

/**
 * A date in any of the three ways of RFC 9110, 5.6.7: `Mon, 05 Jan 2026 14:30:10 GMT`, `Monday, 05-Jan-26 14:30:10 GMT`,
 * `Mon Jan  5 14:30:10 2026`. They all mean GMT, whether they say so or not.
 */
function parseHttpDate(text: string): number {
  const isDate = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)
  return Date.parse(isDate ? text + (/ [\d:]+$/.test(text) ? ' GMT' : '') : '')
}

/** Reads a property of anything; a getter or proxy that throws has no such property. */
export function read(target: unknown, key: string): unknown {
  if ((typeof target !== 'object' && typeof target !== 'function') || target === null) return undefined
  try {
    return Reflect.get(target, key)
  } catch {
    // A hostile object shall not turn a failure into another one.
    return undefined
  }
}
