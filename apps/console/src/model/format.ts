/** Figures and times as people read them. */

const grouped = new Intl.NumberFormat('en-GB')

/** A count: `11,204`. */
export function count(value: number): string {
  return grouped.format(Math.round(value))
}

/** A mark on the axis of what is counted: between two whole numbers there is none. */
export function wholeMark(value: number): string {
  return Number.isInteger(value) ? count(value) : ''
}

/** A rate or another small figure: `0`, `0.4`, `36.9`, `412`. */
export function rate(value: number): string {
  if (value === 0) return '0'
  if (value < 0.05) return '<0.1'
  return value < 99.95 ? trimmed(value.toFixed(1)) : count(value)
}

/** A share as a percentage without its sign: `99.2`, `100`, `0`. Never 100 unless all, never 0 unless none. */
export function percent(share: number): string {
  if (share >= 1) return '100'
  if (share <= 0) return '0'
  return trimmed(Math.min(99.9, Math.max(0.1, share * 100)).toFixed(1))
}

/** A time that something takes, figure and unit apart: `['310', 'ms']`, `['1.2', 's']`. */
export function latency(ms: number): readonly [figure: string, unit: string] {
  if (ms < 1) return [trimmed(ms.toFixed(1)), 'ms']
  if (ms < 999.5) return [String(Math.round(ms)), 'ms']
  return [trimmed((ms / 1_000).toFixed(1)), 's']
}

/** A duration in words: `3 s`, `4 min`, `6 h 12 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 || minutes >= 10 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/** A moment of today: `15:59:02`; of another day with its date. */
export function moment(at: number, now: number, seconds = true): string {
  const date = new Date(at)
  const time = seconds ? clockTime(date) : clockTime(date).slice(0, 5)
  return new Date(now).toDateString() === date.toDateString() ? time : `${day(at)}, ${time}`
}

/** A day: `5 Jan`. */
export function day(at: number): string {
  const date = new Date(at)
  return `${date.getDate()} ${MONTHS[date.getMonth()]}`
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const

function clockTime(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':')
}

function trimmed(text: string): string {
  return text.replace(/\.0$/, '')
}
