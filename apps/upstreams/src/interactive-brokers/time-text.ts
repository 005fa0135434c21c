/** Times as TWS writes and reads them, on New York's clock. */
import { DAY_MS, dayAt, MINUTE_MS, midnightOf } from '../market/new-york-time.ts'

const ZONE = 'US/Eastern'

function pad(figure: number): string {
  return String(figure).padStart(2, '0')
}

/** `20260105`. */
export function dayText(at: number): string {
  return new Date(dayAt(at) * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')
}

/** `20260105 10:00:00 US/Eastern`. */
export function clockText(at: number, zone: string = ZONE): string {
  const seconds = Math.floor((at - midnightOf(dayAt(at))) / 1_000)
  const time = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60].map(pad).join(':')
  return `${dayText(at)} ${time} ${zone}`
}

/** Reads `20260105 10:00:00 US/Eastern` and, in universal time, `20260105-15:00:00`. @returns undefined when it is neither */
export function readClockText(text: string): number | undefined {
  const [, date = '', separator, time = '', zone = ''] =
    /^(\d{8})([ -])(\d\d:\d\d:\d\d)(?: (US\/Eastern|EST|UTC))?$/.exec(text) ?? []
  if (separator === undefined) return undefined
  const [hours = 0, minutes = 0, seconds = 0] = time.split(':').map(Number)
  const midnight = Date.parse(`${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}T00:00:00Z`)
  if (Number.isNaN(midnight) || hours > 23 || minutes > 59 || seconds > 59) return undefined
  const since = (hours * 60 + minutes) * MINUTE_MS + seconds * 1_000
  return separator === '-' || zone === 'UTC' ? midnight + since : midnightOf(midnight / DAY_MS) + since
}
