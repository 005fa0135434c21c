/** The circuit of a fleet in Redis, as the script of `@holdfast/redis` keeps it; a property test holds the two together. */

/** What the script answered, and what it told all who listen. */
export interface CircuitAnswer {
  readonly answer: (number | string)[]
  readonly published: string | undefined
}

/** One circuit. Times are microseconds of the server's clock. */
export class CircuitModel {
  #generation = 0
  #state = 0
  #changed = 0
  #note = ''
  #reports = new Map<string, number>()
  #probe: { readonly id: string; readonly expires: number } | undefined
  #published: string | undefined

  /** One with the same state. */
  copy(): CircuitModel {
    const copied = new CircuitModel()
    copied.#generation = this.#generation
    copied.#state = this.#state
    copied.#changed = this.#changed
    copied.#note = this.#note
    copied.#reports = new Map(this.#reports)
    copied.#probe = this.#probe
    return copied
  }

  /** Does what the arguments of the script say. */
  act(args: readonly string[], now: number): CircuitAnswer {
    const id = args[0] ?? ''
    const act = args[9] ?? ''
    const [processes = 0, quorum = 0, window = 0, open = 0, step = 0, leaseMs = 0, known = 0] = args
      .slice(10, 17)
      .map(Number)
    const note = args[18] ?? ''
    this.#published = undefined
    if (this.#probe !== undefined && this.#probe.expires <= now) this.#probe = undefined
    if (this.#state === 2 && now - this.#changed >= 4 * step) this.#become(0, 'recovered', now)
    if (act === 'report') this.#report(id, { processes: Math.max(1, processes), quorum, window, note }, now)
    if (act === 'well') this.#reports.delete(id)
    if (act === 'claim' && this.#state === 1 && now - this.#changed >= open) this.#claim(id, now + leaseMs * 1_000)
    if (act === 'succeeded' || act === 'failed') this.#probed(id, act, known, note, now)
    if (act === 'release' && this.#holds(id)) this.#probe = undefined
    const holds = this.#holds(id) && this.#state === 1 ? 1 : 0
    const answer = [String(this.#generation), this.#state, now - this.#changed, holds, this.#note]
    return { answer, published: this.#published }
  }

  #report(
    id: string,
    facts: { readonly processes: number; readonly quorum: number; readonly window: number; readonly note: string },
    now: number,
  ): void {
    this.#reports.set(id, now)
    for (const [reporter, at] of this.#reports) if (at <= now - facts.window) this.#reports.delete(reporter)
    const count = this.#reports.size
    if (this.#state === 1 || count < Math.min(facts.quorum, facts.processes)) return
    this.#become(1, `${count} of ${facts.processes} processes find it failing: ${facts.note}`, now)
  }

  #claim(id: string, expires: number): void {
    if (this.#probe === undefined || this.#probe.id === id) this.#probe = { id, expires }
  }

  #probed(id: string, act: 'succeeded' | 'failed', known: number, note: string, now: number): void {
    if (!this.#holds(id) || this.#state !== 1 || known !== this.#generation) return
    this.#probe = undefined
    this.#reports.clear()
    if (act === 'succeeded') this.#become(2, 'the probe succeeded', now)
    else this.#become(1, `the probe failed: ${note}`, now)
  }

  #holds(id: string): boolean {
    return this.#probe?.id === id
  }

  #become(state: number, note: string, now: number): void {
    this.#generation = Math.max(now, this.#generation + 1)
    this.#state = state
    this.#changed = now
    this.#note = note
    this.#published = `${this.#generation} ${state} ${note}`
  }
}
