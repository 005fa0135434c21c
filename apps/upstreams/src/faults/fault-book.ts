import type { Clock, Random } from 'holdfast'
import type { FaultAction, FaultRule } from './fault-rule.ts'

/** The part of a request that rules look at. */
export interface FaultSubject {
  readonly method: string
  /** Without the query: a rule for `/v2/account$` means it with every query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** A rule that has been set, with its counts. */
interface Entry {
  readonly rule: FaultRule
  readonly setAt: number
  /** Requests that it matched. */
  seen: number
  /** Requests that it was applied to. */
  hits: number
}

/** A fault that befalls one request. */
export interface Fault {
  readonly id: string
  readonly action: FaultAction
}

/** The faults in force for one upstream. The first rule that applies to a request wins. */
export class FaultBook {
  readonly #clock: Clock
  readonly #random: Random
  #entries: Entry[] = []
  #count = 0

  constructor(clock: Clock, random: Random) {
    this.#clock = clock
    this.#random = random
  }

  add(rules: readonly FaultRule[]): void {
    const setAt = this.#clock.now()
    for (const rule of rules) {
      const id = rule.id ?? `fault-${++this.#count}`
      this.#entries.push({ rule: { ...rule, id }, setAt, seen: 0, hits: 0 })
    }
  }

  clear(): void {
    this.#entries = []
  }

  /** The rules with how often each matched and was applied. */
  list(): readonly (FaultRule & { readonly seen: number; readonly hits: number })[] {
    return this.#entries.map(({ rule, seen, hits }) => ({ ...rule, seen, hits }))
  }

  /** What befalls this request, if anything. */
  faultFor(subject: FaultSubject): Fault | undefined {
    for (const entry of this.#entries) {
      if (entry.rule.action.type === 'ban' || !this.#applies(entry, subject)) continue
      entry.hits++
      return { id: entry.rule.id ?? '', action: entry.rule.action }
    }
    return undefined
  }

  /** The rule by which a request that went over the limit counts towards a ban, if one is in force. */
  banFor(subject: FaultSubject): Extract<FaultAction, { type: 'ban' }> | undefined {
    for (const entry of this.#entries) {
      const { action } = entry.rule
      if (action.type !== 'ban' || !this.#applies(entry, subject)) continue
      entry.hits++
      return action
    }
    return undefined
  }

  #applies(entry: Entry, subject: FaultSubject): boolean {
    const { match, action } = entry.rule
    if (match.method !== undefined && match.method.toUpperCase() !== subject.method) return false
    if (match.path !== undefined && !new RegExp(match.path).test(subject.path)) return false
    if (!Object.entries(match.header).every(([name, value]) => subject.headers[name.toLowerCase()] === value))
      return false
    const age = this.#clock.now() - entry.setAt
    if (match.window !== undefined && (age < match.window.fromMs || age > match.window.toMs)) return false
    if (action.type === 'flap' && age % (action.upMs + action.downMs) < action.upMs) return false
    entry.seen++
    if (entry.seen <= match.after) return false
    if (match.nth !== undefined && !match.nth.includes(entry.seen)) return false
    if (match.times !== undefined && entry.hits >= match.times) return false
    return match.probability === 1 || this.#random() < match.probability
  }
}
