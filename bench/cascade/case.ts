/** A scenario with what is expected of it. */
import type { Scenario, ScenarioResult } from '@holdfast/testing'
import type { ProfileName } from 'holdfast'

/** How much of everything: rates, and the capacities that go with them. */
export const SCALES = [0.3, 1, 3] as const
export type Scale = (typeof SCALES)[number]

/** A figure of a result that a bar can be set for. */
export type Figure = {
  [Key in keyof ScenarioResult]: ScenarioResult[Key] extends number | null ? Key : never
}[keyof ScenarioResult]

/** What must be reached. */
export interface Bar {
  readonly figure: Figure | ((result: ScenarioResult) => number)
  /** How the figure is called in the report. */
  readonly label: string
  readonly atLeast?: number
  readonly atMost?: number
}

/** A case of the suite. */
export interface Case {
  readonly name: string
  /** What goes wrong, in a sentence. */
  readonly title: string
  /** The profile for such a service, which must reach the bars. Default `INTERNAL`; the others are measured too. */
  readonly profile?: ProfileName
  /** Whether it is one of our own, against over-fitting to the others. */
  readonly isOwn?: boolean
  readonly scenario: (scale: Scale, seed: number) => Scenario
  readonly bars: readonly Bar[]
  /** Figures of the prototype that set the bars, by label, where there are such. */
  readonly prototype?: Readonly<Record<string, number>>
}

export const goodput = (atLeast: number): Bar => ({ figure: 'goodput', label: 'goodA', atLeast })
export const unaffected = (atLeast: number): Bar => ({ figure: 'unaffectedGoodput', label: 'goodB', atLeast })
export const waste = (atMost: number): Bar => ({ figure: 'waste', label: 'waste', atMost })
/** Every request is sent, and sent once: nothing is refused, so nothing opens. */
export const sentOnce: Bar = { figure: 'amplification', label: 'amp', atLeast: 1, atMost: 1 }
export const amplification = (atMost: number): Bar => ({ figure: 'amplification', label: 'amp', atMost })
export const recovery = (atMost: number): Bar => ({ figure: 'recoverySeconds', label: 'recovery s', atMost })
export const throttled = (atMost: number): Bar => ({ figure: 'throttled', label: '429', atMost })
export const bans = (atMost: number): Bar => ({ figure: 'bans', label: 'bans', atMost })
export const doubled: Bar = { figure: 'doubled', label: 'doubled', atMost: 0 }
export const unknown: Bar = { figure: 'unknown', label: 'unknown', atMost: 0 }
export const inFlight = (atMost: number): Bar => ({ figure: 'mostInFlight', label: 'in flight', atMost })
export const pending = (atMost: number): Bar => ({ figure: 'mostPending', label: 'pending', atMost })

/** Goodput of one route. */
export const routeGoodput = (route: string, atLeast: number): Bar => ({
  figure: ({ routes }) => routes[route]?.goodput ?? 0,
  label: route,
  atLeast,
})

/** The 99th percentile of the unaffected route. */
export const unaffectedP99 = (atMost: number): Bar => ({
  figure: ({ routes }) => routes.B?.p99Ms ?? 0,
  label: 'p99 B ms',
  atMost,
})

/** The 99th percentile of the unaffected route, over what the same requests take with nothing in their way. */
export const unaffectedSlowdown: Bar = {
  figure: ({ routes }) => (routes.B === undefined ? 1 : routes.B.p99Ms / routes.B.calmP99Ms),
  label: 'p99 B ÷ calm',
  atMost: 1.1,
}
