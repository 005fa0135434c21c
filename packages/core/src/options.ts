/** Checking options once, at construction: after that they are plain numbers that nobody doubts. */
import { LONGEST_TIMER_MS } from './clock.ts'
import { InvalidOptionError } from './errors.ts'
import { read } from './headers.ts'

/** What a field may be. */
export interface Rule {
  readonly allows: (value: unknown) => boolean
  /** The rule in words, to follow "… is 7:". */
  readonly says: string
}

/** A rule for every field that an options object may have. */
export type Rules<Options> = { readonly [Field in keyof Required<Options>]: Rule }

const isFiniteNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

/** A whole number from `least` up to `most`, or 2^31 − 1. */
export function wholeNumber(least: number, most: number = LONGEST_TIMER_MS): Rule {
  const highest = most === LONGEST_TIMER_MS ? '2^31 - 1' : most.toLocaleString('en')
  return {
    allows: (value) => isFiniteNumber(value) && Number.isInteger(value) && value >= least && value <= most,
    says: `it must be a whole number from ${least} to ${highest}`,
  }
}

/** A duration in milliseconds, from `leastMs` up to what a timer can wait. */
export function durationMs(leastMs: number): Rule {
  return {
    allows: (value) => isFiniteNumber(value) && value >= leastMs && value <= LONGEST_TIMER_MS,
    says: `it must be a number of milliseconds from ${leastMs} to 2^31 - 1`,
  }
}

/** A number of at least `least`, at most 10^9. */
export function atLeast(least: number, unit: string): Rule {
  return {
    allows: (value) => isFiniteNumber(value) && value >= least && value <= 1e9,
    says: `it must be a number of ${unit} from ${least} to 10^9`,
  }
}

/** A number above zero, at most 10^9. */
export function positive(unit: string): Rule {
  return {
    allows: (value) => isFiniteNumber(value) && value > 0 && value <= 1e9,
    says: `it must be a number of ${unit} above 0 and at most 10^9`,
  }
}

/** A share: above 0, at most 1. */
export const share: Rule = {
  allows: (value) => isFiniteNumber(value) && value > 0 && value <= 1,
  says: 'it must be a number above 0 and at most 1',
}

/** The share of a limit that is kept for critical calls. */
export const shareOfCritical: Rule = {
  allows: (value) => isFiniteNumber(value) && value >= 0 && value <= 0.9,
  says: 'it must be a number from 0 to 0.9',
}

/** One of a few words. */
export function oneOf(words: readonly string[]): Rule {
  return {
    allows: (value) => typeof value === 'string' && words.includes(value),
    says: `it must be one of ${words.join(', ')}`,
  }
}

/** True or false. */
export const flag: Rule = { allows: (value) => typeof value === 'boolean', says: 'it must be true or false' }

/** Code of the user's. */
export const callback: Rule = { allows: (value) => typeof value === 'function', says: 'it must be a function' }

/**
 * An object that has these methods: its own constructor has checked it. Who hands over the options that it should have been
 * made from is told so now, and not at the first call.
 */
export function instance(what: string, ...methods: readonly string[]): Rule {
  return {
    allows: (value) => methods.every((method) => typeof read(value, method) === 'function'),
    says: `it must be ${what}`,
  }
}

/** A clock. */
export const clockRule: Rule = instance('a Clock', 'now', 'wallTime', 'setTimer')

/** A signal; not the controller of one, which is easily handed in instead. */
export const signalRule: Rule = instance('an AbortSignal', 'addEventListener')

/** A name for people: not empty, at most 200 characters. */
export const nameText: Rule = {
  allows: (value) => typeof value === 'string' && value.length > 0 && value.length <= 200,
  says: 'it must be a text of 1 to 200 characters',
}

/** Whether a value is an options object: a plain one, not an array, a function or null. */
export function isOptions(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * Checks that each field is known and obeys its rule. A field that is undefined counts as absent.
 *
 * @param path what the options belong to, for the error: `circuitBreaker`, `services.alpaca.retry`
 * @throws InvalidOptionError that names the field's path, the value and the rule
 */
export function checkOptions<Options extends object>(path: string, options: Options, rules: Rules<Options>): void {
  if (!isOptions(options)) throw new InvalidOptionError(path, options, 'it must be an object of options')
  const known = new Map<string, Rule>(Object.entries(rules))
  for (const [field, value] of Object.entries(options)) {
    const rule = known.get(field)
    if (rule === undefined) throw unknownField(`${path}.${field}`, value, field, [...known.keys()])
    if (value !== undefined) check(`${path}.${field}`, value, rule)
  }
}

/** Checks one value. @throws InvalidOptionError */
export function check(path: string, value: unknown, rule: Rule): void {
  if (!rule.allows(value)) throw new InvalidOptionError(path, value, rule.says)
}

/** The error for a field that does not exist, with the nearest one that does. */
export function unknownField(
  path: string,
  value: unknown,
  field: string,
  known: readonly string[],
): InvalidOptionError {
  const nearest = nearestWord(field, known)
  const hint = nearest === undefined ? `known are ${known.join(', ')}` : `did you mean ${nearest}?`
  return new InvalidOptionError(path, value, `there is no such option; ${hint}`)
}

/** The word that is most like another: `recoveryTimeout` is like `recoveryTimeoutMs`. */
export function nearestWord(word: string, words: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Math.max(3, Math.ceil(word.length / 2.5))
  for (const candidate of words) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Levenshtein's distance; words are short here, long ones are not compared. */
function editDistance(a: string, b: string): number {
  if (a.length > 60 || b.length > 60) return Number.POSITIVE_INFINITY
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min((previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1, substitution))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
