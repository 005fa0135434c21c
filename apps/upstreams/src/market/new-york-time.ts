/** New York's calendar. A day is a whole number: days since 1970-01-01 of the date there. */

export const MINUTE_MS = 60_000
export const DAY_MS = 86_400_000

/** Minutes of a trading session, 9:30 to 16:00. */
export const SESSION_MINUTES = 390

const clockFace = new Intl.DateTimeFormat('en-US', {
  timeZone: 'America/New_York',
  hourCycle: 'h23',
  year: 'numeric',
  month: 'numeric',
  day: 'numeric',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
})

const midnights = new Map<number, number>()

/** When a day begins in New York, in milliseconds since 1970. */
export function midnightOf(day: number): number {
  const known = midnights.get(day)
  if (known !== undefined) return known
  // Four in the morning, universal time, is late evening or midnight there; noon is on the right side of any change.
  const noon = day * DAY_MS + 12 * 60 * MINUTE_MS
  const midnight = day * DAY_MS - offsetAt(noon)
  midnights.set(day, midnight)
  return midnight
}

/** When trading opens on a day, in milliseconds since 1970. */
export function openOf(day: number): number {
  return midnightOf(day) + (9 * 60 + 30) * MINUTE_MS
}

/** When trading closes on a day, in milliseconds since 1970. */
export function closeOf(day: number): number {
  return openOf(day) + SESSION_MINUTES * MINUTE_MS
}

/** The day in New York at a moment. */
export function dayAt(at: number): number {
  const guess = Math.floor(at / DAY_MS)
  return at >= midnightOf(guess) ? (at >= midnightOf(guess + 1) ? guess + 1 : guess) : guess - 1
}

/** Monday to Friday; holidays are not kept. */
export function isTradingDay(day: number): boolean {
  const weekday = weekdayOf(day)
  return weekday !== 0 && weekday !== 6
}

/** 0 for Sunday. 1970-01-01 was a Thursday. */
export function weekdayOf(day: number): number {
  return (((day + 4) % 7) + 7) % 7
}

/** The first trading day at or after a day. */
export function tradingDayFrom(day: number): number {
  let candidate = day
  while (!isTradingDay(candidate)) candidate++
  return candidate
}

/** `2026-01-05`. */
export function dateText(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10)
}

/** How far New York's clock is ahead of universal time (it is behind: below zero), in milliseconds. */
export function offsetAt(at: number): number {
  const parts = new Map(clockFace.formatToParts(at).map(({ type, value }) => [type, Number(value)]))
  const part = (name: Intl.DateTimeFormatPartTypes): number => parts.get(name) ?? 0
  const shown = Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
  return shown - Math.floor(at / 1_000) * 1_000
}
