import type { Clock, Random } from 'holdfast'
import type { Occurrence } from './occurrence.ts'

/** The least that a rule says. */
interface AnyRule {
  readonly id?: string | undefined
  readonly match: Occurrence
  readonly action: { readonly type: string }
}

/** The action of a type. */
export type ActionOf<R extends AnyRule, T extends R['action']['type']> = Extract<R['action'], { readonly type: T }>

/** A rule that has been set, with its counts. */
interface Entry<R> {
  readonly id: string
  readonly rule: R
  readonly setAt: number
  /** Requests that it matched. */
  seen: number
  /** Requests that it was applied to. */
  hits: number
}

/** A fault that befalls one request. */
export interface Fault<R extends AnyRule> {
  readonly id: string
  readonly action: R['action']
}

/** How the rules of an upstream are read. */
export interface FaultLanguage<R extends AnyRule, Subject> {
  /** Whether a rule, set so long ago (in milliseconds), is about a request, whatever it says of which of them. */
  readonly concerns: (rule: R, subject: Subject, ageMs: number) => boolean
  /** Types of rules that befall no request by themselves: {@link FaultBook.standing} asks for them. */
  readonly standing: readonly string[]
}

/** The faults in force for one upstream. The first rule that applies to a request wins. */
export class FaultBook<R extends AnyRule, Subject> {
  readonly #language: FaultLanguage<R, Subject>
  readonly #clock: Clock
  readonly #random: Random
  #entries: Entry<R>[] = []
  #count = 0

  constructor(language: FaultLanguage<R, Subject>, clock: Clock, random: Random) {
    this.#language = language
    this.#clock = clock
    this.#random = random
  }

  /** @returns the ids of the rules */
  add(rules: readonly R[]): readonly string[] {
    const setAt = this.#clock.now()
    return rules.map((rule) => {
      const id = rule.id ?? `fault-${++this.#count}`
      this.#entries.push({ id, rule, setAt, seen: 0, hits: 0 })
      return id
    })
  }

  clear(): void {
    this.#entries = []
  }

  /** The rules with how often each matched and was applied. */
  list(): readonly (R & { readonly id: string; readonly seen: number; readonly hits: number })[] {
    return this.#entries.map(({ id, rule, seen, hits }) => ({ ...rule, id, seen, hits }))
  }

  /** What befalls this request, if anything. */
  faultFor(subject: Subject): Fault<R> | undefined {
    for (const entry of this.#entries) {
      if (this.#language.standing.includes(entry.rule.action.type) || !this.#applies(entry, subject)) continue
      entry.hits++
      return { id: entry.id, action: entry.rule.action }
    }
    return undefined
  }

  /** The first rule of a standing type that applies to a request. */
  standing<T extends R['action']['type']>(type: T, subject: Subject): ActionOf<R, T> | undefined {
    for (const entry of this.#entries) {
      const { action } = entry.rule
      if (!isOfType<R, T>(action, type) || !this.#applies(entry, subject)) continue
      entry.hits++
      return action
    }
    return undefined
  }

  #applies(entry: Entry<R>, subject: Subject): boolean {
    const { match } = entry.rule
    const age = this.#clock.now() - entry.setAt
    if (match.window !== undefined && (age < match.window.fromMs || age > match.window.toMs)) return false
    if (!this.#language.concerns(entry.rule, subject, age)) return false
    entry.seen++
    if (entry.seen <= match.after) return false
    if (match.nth !== undefined && !match.nth.includes(entry.seen)) return false
    if (match.times !== undefined && entry.hits >= match.times) return false
    return match.probability === 1 || this.#random() < match.probability
  }
}

function isOfType<R extends AnyRule, T extends R['action']['type']>(
  action: R['action'],
  type: T,
): action is ActionOf<R, T> {
  return action.type === type
}
