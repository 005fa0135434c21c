import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MarketCalendar } from '../../src/market-data/market-calendar.ts'

const calendar = new MarketCalendar()
const DAY_MS = 86_400_000

/** Days of a year on which the exchange is closed although it is no weekend. */
function holidaysOf(year: number): string[] {
  const found: string[] = []
  for (let day = Date.UTC(year, 0, 1) / DAY_MS; day < Date.UTC(year + 1, 0, 1) / DAY_MS; day++) {
    const date = new Date(day * DAY_MS)
    const isWeekend = date.getUTCDay() % 6 === 0
    if (!isWeekend && calendar.session(day) === undefined) found.push(date.toISOString().slice(5, 10))
  }
  return found
}

describe('the calendar', () => {
  // As the exchange has published them.
  it.each([
    [2020, ['01-01', '01-20', '02-17', '04-10', '05-25', '07-03', '09-07', '11-26', '12-25']],
    [2021, ['01-01', '01-18', '02-15', '04-02', '05-31', '07-05', '09-06', '11-25', '12-24']],
    [2022, ['01-17', '02-21', '04-15', '05-30', '06-20', '07-04', '09-05', '11-24', '12-26']],
    [2023, ['01-02', '01-16', '02-20', '04-07', '05-29', '06-19', '07-04', '09-04', '11-23', '12-25']],
    [2024, ['01-01', '01-15', '02-19', '03-29', '05-27', '06-19', '07-04', '09-02', '11-28', '12-25']],
    [2026, ['01-01', '01-19', '02-16', '04-03', '05-25', '06-19', '07-03', '09-07', '11-26', '12-25']],
  ])('has the holidays of %d', (year, holidays) => {
    expect(holidaysOf(year)).toEqual(holidays)
  })

  it.each([
    ['2026-01-05T14:29:59.999Z', false],
    ['2026-01-05T14:30:00Z', true],
    ['2026-01-05T20:59:59.999Z', true],
    ['2026-01-05T21:00:00Z', false],
    ['2026-07-06T13:30:00Z', true],
    ['2026-07-06T20:00:00Z', false],
    ['2026-01-03T15:00:00Z', false],
    ['2026-11-26T15:00:00Z', false],
    ['2026-11-27T17:59:59Z', true],
    ['2026-11-27T18:00:00Z', false],
    ['2026-12-24T18:00:00Z', false],
  ])('knows whether the market is open: %s', (at, open) => {
    expect(calendar.isOpen(Date.parse(at))).toBe(open)
  })

  it.each([
    ['2026-03-06T22:00:00Z', '2026-03-09T13:30:00.000Z'],
    ['2026-10-30T21:00:00Z', '2026-11-02T14:30:00.000Z'],
    ['2026-11-25T21:30:00Z', '2026-11-27T14:30:00.000Z'],
    ['2026-01-05T14:30:00Z', '2026-01-06T14:30:00.000Z'],
  ])('knows when it opens next, also when the clocks change: after %s', (at, next) => {
    expect(new Date(calendar.nextOpen(Date.parse(at))).toISOString()).toBe(next)
  })

  it('counts only time in which the market is open', () => {
    const friday = Date.parse('2026-01-09T20:59:00Z')
    expect(calendar.openMsBetween(friday, Date.parse('2026-01-11T12:00:00Z'))).toBe(60_000)
    expect(calendar.openMsBetween(friday, Date.parse('2026-01-12T14:31:00Z'))).toBe(120_000)
  })

  it('adds up, and never counts more than there was', () => {
    const time = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2027, 0, 1) })
    fc.assert(
      fc.property(time, fc.nat(40 * DAY_MS), fc.nat(40 * DAY_MS), (from, first, second) => {
        const middle = from + first
        const to = middle + second
        const whole = calendar.openMsBetween(from, to)
        expect(calendar.openMsBetween(from, middle) + calendar.openMsBetween(middle, to)).toBe(whole)
        expect(whole).toBeGreaterThanOrEqual(0)
        expect(whole).toBeLessThanOrEqual(to - from)
      }),
    )
  })
})
