/** Faults on demand in the stand-ins. There is no such thing for the real services. */
import type { RehearsalFault } from '@holdfast/console/api'

/** What a rehearsal needs of the stand-ins' control. */
export interface StandInControls {
  readonly upstreams: readonly string[]
  setFaults(upstream: string, rules: unknown): void
  clearFaults(upstream?: string): void
}

/** Each fault as a rule for the stand-ins, and in words. */
const FAULTS: Readonly<Record<RehearsalFault, { readonly words: string; readonly action: object }>> = {
  hang: { words: 'takes requests and never answers', action: { type: 'hang' } },
  reset: { words: 'resets every connection', action: { type: 'reset' } },
  errors: { words: 'answers everything with 503', action: { type: 'status', code: 503 } },
  slow: { words: 'answers after 3 s', action: { type: 'latency', ms: 3_000 } },
  throttle: { words: 'answers everything with 429', action: { type: 'rate429', retryAfterSec: 2 } },
  garbage: { words: 'answers with broken JSON', action: { type: 'malformed', mode: 'truncate' } },
  flap: { words: 'works for 5 s, fails for 5 s', action: { type: 'flap', upMs: 5_000, downMs: 5_000 } },
}

/** Where a socket has no statuses. */
const FAULTS_OF_TWS: Readonly<Partial<typeof FAULTS>> = {
  errors: { words: 'refuses every order', action: { type: 'reject' } },
  throttle: {
    words: 'takes one message a second, and hangs up when it was more for the third time',
    action: { type: 'pacing', limit: 1 },
  },
}

/** What is rehearsed in one stand-in. */
export interface Rehearsed {
  readonly faults: readonly string[]
  readonly until: number | null
}

/** Injects faults into the stand-ins, and knows which. */
export class Rehearsal {
  readonly #controls: StandInControls
  readonly #current = new Map<string, Rehearsed>()

  constructor(controls: StandInControls) {
    this.#controls = controls
  }

  /** The stand-ins. */
  get upstreams(): readonly string[] {
    return this.#controls.upstreams
  }

  /** What is rehearsed there. */
  of(upstream: string): Rehearsed {
    return this.#current.get(upstream) ?? { faults: [], until: null }
  }

  inject(upstream: string, fault: RehearsalFault, until: number): void {
    const { words, action } = (upstream === 'ib' ? FAULTS_OF_TWS[fault] : undefined) ?? FAULTS[fault]
    this.#controls.setFaults(upstream, { action })
    this.#current.set(upstream, { faults: [words], until })
  }

  clear(upstream: string): void {
    this.#controls.clearFaults(upstream)
    this.#current.delete(upstream)
  }
}
