/** The hours of the New York Stock Exchange: regular sessions, holidays, early closes. */

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** From when on the rules are those below, in days since 1970. */
const FIRST_DAY = Date.UTC(1998, 0, 1) / DAY_MS

/** Regular sessions, in minutes since midnight in New York. */
const OPENS = 9 * 60 + 30
const CLOSES = 16 * 60
const CLOSES_EARLY = 13 * 60

/** One trading day's session, in milliseconds since 1970. */
export interface Session {
  /** As `2026-01-05`. */
  readonly date: string
  readonly opensAt: number
  readonly closesAt: number
}

/**
 * Tells when the market is open, by the exchange's own rules (NYSE rule 7.2 and its list of holidays), for years from 1998.
 * Days on which it closed for a special reason are not in it.
 *
 * @example
 * new MarketCalendar().isOpen(Date.parse('2026-11-26T15:00:00Z')) // false: Thanksgiving
 */
export class MarketCalendar {
  /** Whether the regular session runs at that time. */
  isOpen(at: number): boolean {
    const session = this.session(dayOf(at))
    return session !== undefined && at >= session.opensAt && at < session.closesAt
  }

  /** When the next session begins: the first opening after that time. */
  nextOpen(at: number): number {
    for (let day = dayOf(at); ; day++) {
      const session = this.session(day)
      if (session !== undefined && session.opensAt > at) return session.opensAt
    }
  }

  /** How much of a stretch of time the market was open, in milliseconds, as far as its hours are known. */
  openMsBetween(from: number, to: number): number {
    let open = 0
    for (let day = Math.max(dayOf(from), FIRST_DAY); day <= dayOf(to); day++) {
      const session = this.session(day)
      if (session === undefined) continue
      open += Math.max(0, Math.min(to, session.closesAt) - Math.max(from, session.opensAt))
    }
    return open
  }

  /** The session of a day, if there is one. @param day days since 1970 */
  session(day: number): Session | undefined {
    const date = new Date(day * DAY_MS)
    const weekday = date.getUTCDay()
    if (weekday === 0 || weekday === 6 || isHoliday(date)) return undefined
    const midnight = midnightInNewYork(day)
    const closes = closesEarly(date) ? CLOSES_EARLY : CLOSES
    return {
      date: date.toISOString().slice(0, 10),
      opensAt: midnight + OPENS * MINUTE_MS,
      closesAt: midnight + closes * MINUTE_MS,
    }
  }
}

/** Which day it is in New York, in days since 1970. */
function dayOf(at: number): number {
  return Math.floor((at + offsetMs(at)) / DAY_MS)
}

/** When a day begins in New York. The clocks change at two in the morning, so midnight has the offset of the day before. */
function midnightInNewYork(day: number): number {
  const noon = day * DAY_MS + DAY_MS / 2 + 5 * 3_600_000
  return day * DAY_MS - offsetMs(noon)
}

/** How far New York is from UTC, in milliseconds; summer time by the law of 2007. */
function offsetMs(at: number): number {
  const year = new Date(at).getUTCFullYear()
  const begins = nthWeekday(year, 2, 0, 2) * DAY_MS + 7 * 3_600_000
  const ends = nthWeekday(year, 10, 0, 1) * DAY_MS + 6 * 3_600_000
  return (at >= begins && at < ends ? -4 : -5) * 3_600_000
}

function isHoliday(date: Date): boolean {
  const year = date.getUTCFullYear()
  const day = date.getTime() / DAY_MS
  const juneteenth = year >= 2022 ? [observed(dayNumber(year, 5, 19))] : []
  return [
    // When New Year's Day falls on a Saturday it is not made up for: the day before ends the year's books.
    newYear(year),
    nthWeekday(year, 0, 1, 3),
    nthWeekday(year, 1, 1, 3),
    easterSunday(year) - 2,
    lastMonday(year, 4),
    ...juneteenth,
    observed(dayNumber(year, 6, 4)),
    nthWeekday(year, 8, 1, 1),
    nthWeekday(year, 10, 4, 4),
    observed(dayNumber(year, 11, 25)),
  ].includes(day)
}

function closesEarly(date: Date): boolean {
  const year = date.getUTCFullYear()
  const day = date.getTime() / DAY_MS
  return [dayNumber(year, 6, 3), nthWeekday(year, 10, 4, 4) + 1, dayNumber(year, 11, 24)].includes(day)
}

function newYear(year: number): number {
  const day = dayNumber(year, 0, 1)
  return weekdayOf(day) === 0 ? day + 1 : day
}

/** A holiday on a Saturday is kept on the Friday before, one on a Sunday on the Monday after. */
function observed(day: number): number {
  const weekday = weekdayOf(day)
  if (weekday === 6) return day - 1
  return weekday === 0 ? day + 1 : day
}

function dayNumber(year: number, month: number, day: number): number {
  return Date.UTC(year, month, day) / DAY_MS
}

function weekdayOf(day: number): number {
  return new Date(day * DAY_MS).getUTCDay()
}

/** The n-th such weekday of a month. @param weekday 0 for Sunday */
function nthWeekday(year: number, month: number, weekday: number, n: number): number {
  const first = dayNumber(year, month, 1)
  return first + ((weekday - weekdayOf(first) + 7) % 7) + (n - 1) * 7
}

function lastMonday(year: number, month: number): number {
  const last = dayNumber(year, month + 1, 0)
  return last - ((weekdayOf(last) + 6) % 7)
}

/** Easter Sunday, by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, chapter 8). */
function easterSunday(year: number): number {
  const a = year % 19
  const b = Math.floor(year / 100)
  const c = year % 100
  const d = Math.floor(b / 4)
  const e = b % 4
  const f = Math.floor((b + 8) / 25)
  const g = Math.floor((b - f + 1) / 3)
  const h = (19 * a + b - d - g + 15) % 30
  const i = Math.floor(c / 4)
  const k = c % 4
  const l = (32 + 2 * e + 2 * i - h - k) % 7
  const m = Math.floor((a + 11 * h + 22 * l) / 451)
  const month = Math.floor((h + l - 7 * m + 114) / 31)
  const day = ((h + l - 7 * m + 114) % 31) + 1
  return dayNumber(year, month - 1, day)
}
