/** Series of the history as charts want them: one time axis, stacked sums, bands of states. */
import type { Series, ServiceSecond, ShownState } from '../api.ts'

/** Values over one time axis in seconds since 1970; null where nothing is known. */
export interface ChartData {
  readonly times: readonly number[]
  readonly succeeded: readonly (number | null)[]
  readonly failed: readonly (number | null)[]
  readonly refused: readonly (number | null)[]
  readonly p50: readonly (number | null)[]
  readonly p99: readonly (number | null)[]
  readonly active: readonly (number | null)[]
  readonly queued: readonly (number | null)[]
  readonly tokens: readonly (number | null)[]
  readonly states: readonly (ShownState | null)[]
}

/** A stretch of time in one state. */
export interface Band {
  readonly from: number
  readonly to: number
  readonly state: ShownState
}

/** A step of a chart, from the history or from the stream. */
interface Step {
  readonly succeeded: number
  readonly failed: number
  readonly refused: number
  readonly p50: number | null
  readonly p99: number | null
  readonly active: number
  readonly queued: number
  readonly tokens: number | null
  readonly state: ShownState
}

/** Collects the steps of one service between two moments. */
export class Timeline {
  readonly #steps = new Map<number, Step>()
  readonly #stepMs: number

  constructor(series: Series | undefined, stepMs: number) {
    this.#stepMs = stepMs
    series?.at.forEach((at, index) => {
      const number = (values: readonly (number | null)[]): number => values[index] ?? 0
      this.#steps.set(at, {
        succeeded: number(series.succeeded),
        failed: number(series.failed),
        refused: number(series.refusedCircuit) + number(series.refusedLimit) + number(series.refusedSlots),
        p50: series.p50Ms[index] ?? null,
        p99: series.p99Ms[index] ?? null,
        active: number(series.active),
        queued: number(series.queued),
        tokens: series.tokens[index] ?? null,
        state: series.state[index] ?? 'CLOSED',
      })
    })
  }

  /** Adds a second that the stream told of; only where a step is a second. */
  add(at: number, second: ServiceSecond): void {
    if (this.#stepMs !== 1_000) return
    const { succeeded, failed, refused, p50Ms: p50, p99Ms: p99, active, queued, tokens, state } = second
    const refusals = refused.circuit + refused.limit + refused.slots
    this.#steps.set(at, { succeeded, failed, refused: refusals, p50, p99, active, queued, tokens, state })
  }

  /** All steps between two moments, gaps included. Counts become rates per second. */
  between(from: number, to: number): ChartData {
    const stepMs = this.#stepMs
    const first = Math.ceil(from / stepMs) * stepMs
    const times: number[] = []
    for (let at = first; at < to; at += stepMs) times.push(at)
    const steps = times.map((at) => this.#steps.get(at))
    const perSecond = stepMs / 1_000
    const column = (of: (step: Step) => number | null): (number | null)[] =>
      steps.map((step) => (step === undefined ? null : of(step)))
    return {
      times: times.map((at) => at / 1_000),
      succeeded: column((step) => step.succeeded / perSecond),
      failed: column((step) => step.failed / perSecond),
      refused: column((step) => step.refused / perSecond),
      p50: column((step) => step.p50),
      p99: column((step) => step.p99),
      active: column((step) => step.active),
      queued: column((step) => step.queued),
      tokens: column((step) => step.tokens),
      states: steps.map((step) => step?.state ?? null),
    }
  }
}

/** Sums of series upon one another, the lowest first. */
export function stacked(layers: readonly (readonly (number | null)[])[]): (number | null)[][] {
  const sums: (number | null)[][] = []
  for (const layer of layers) {
    const below = sums.at(-1)
    sums.push(layer.map((value, index) => (value === null ? null : value + (below?.[index] ?? 0))))
  }
  return sums
}

/** The stretches of time that were not in the usual state. */
export function bandsOf({ times, states }: Pick<ChartData, 'times' | 'states'>): Band[] {
  const bands: Band[] = []
  const step = (times[1] ?? 1) - (times[0] ?? 0)
  states.forEach((state, index) => {
    const at = times[index]
    if (state === null || state === 'CLOSED' || at === undefined) return
    const last = bands.at(-1)
    if (last !== undefined && last.state === state && last.to === at)
      bands[bands.length - 1] = { ...last, to: at + step }
    else bands.push({ from: at, to: at + step, state })
  })
  return bands
}
