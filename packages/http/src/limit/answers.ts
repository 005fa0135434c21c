import type { DecisionRecord } from 'holdfast'
import { PROBLEM_JSON, problem } from '../problem.ts'
import type { Admission, LimitHeaders } from './admission-control.ts'
import { retryAfterSeconds } from './retry-after.ts'
import type { Tier } from './tier.ts'

/** How many answers are kept. A power of two. */
const KEPT = 1_024

/** An answer, and the figures that it tells. */
interface Kept extends Admission {
  readonly remaining: number
  readonly seconds: number
}

/**
 * What clients are told of one limit. Answers differ in two small numbers, so those that were given last are kept: to make
 * one costs more than to decide (bench: `http-fastify`).
 */
export class Answers {
  readonly #tier: Tier
  readonly #policyHeader: string
  readonly #legacyHeaders: boolean
  readonly #letIn: (Kept | undefined)[] = new Array<Kept | undefined>(KEPT).fill(undefined)
  readonly #turnedAway: (Kept | undefined)[] = new Array<Kept | undefined>(KEPT).fill(undefined)

  /** @param policyHeader names this limit and those that hold with it */
  constructor(tier: Tier, policyHeader: string, legacyHeaders: boolean) {
    this.#tier = tier
    this.#policyHeader = policyHeader
    this.#legacyHeaders = legacyHeaders
  }

  /** To a request that is let in. */
  letIn({ remaining, resetMs }: DecisionRecord): Admission {
    const seconds = Math.ceil(resetMs / 1_000)
    return kept(this.#letIn, remaining, seconds) ?? this.#keep(this.#letIn, remaining, seconds, undefined)
  }

  /** To a request that is turned away. */
  turnAway({ remaining, retryAfterMs }: DecisionRecord): Admission {
    const seconds = retryAfterSeconds(retryAfterMs)
    return (
      kept(this.#turnedAway, remaining, seconds) ??
      this.#keep(this.#turnedAway, remaining, seconds, this.#refusal(seconds))
    )
  }

  #keep(answers: (Kept | undefined)[], remaining: number, seconds: number, body: string | undefined): Admission {
    const headers = { ...this.#headers(remaining, seconds), ...(body && headersOf(body, seconds)) }
    const admission = { allowed: body === undefined, headers, body, remaining, seconds }
    answers[placeOf(remaining, seconds)] = admission
    return admission
  }

  #headers(remaining: number, seconds: number): LimitHeaders {
    const { name, burstSize } = this.#tier.policy
    const headers = { ratelimit: `"${name}";r=${remaining};t=${seconds}`, 'ratelimit-policy': this.#policyHeader }
    if (!this.#legacyHeaders) return headers
    return {
      ...headers,
      'x-ratelimit-limit': String(Math.floor(burstSize)),
      'x-ratelimit-remaining': String(remaining),
      'x-ratelimit-reset': String(seconds),
    }
  }

  #refusal(seconds: number): string {
    const { name, scope, burstSize } = this.#tier.policy
    const whose = scope === 'client' ? 'your limit' : 'the limit of all clients together'
    const detail = `${whose} of ${burstSize} requests at once is used up; come back in ${seconds} s`
    const told = problem('too-many-requests', 429, 'Too many requests', detail, { retryAfterMs: seconds * 1_000 })
    return JSON.stringify({ ...told, 'violated-policies': [name] })
  }
}

/** The length too: an answer that brings it is written by the shortest way (bench: `edges`). */
function headersOf(body: string, seconds: number): Readonly<Record<string, string>> {
  const length = new TextEncoder().encode(body).length
  return { 'retry-after': String(seconds), 'content-type': PROBLEM_JSON, 'content-length': String(length) }
}

function kept(answers: readonly (Kept | undefined)[], remaining: number, seconds: number): Admission | undefined {
  const found = answers[placeOf(remaining, seconds)]
  return found !== undefined && found.remaining === remaining && found.seconds === seconds ? found : undefined
}

function placeOf(remaining: number, seconds: number): number {
  return (remaining + seconds * 31) & (KEPT - 1)
}
