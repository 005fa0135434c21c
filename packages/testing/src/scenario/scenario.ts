/** What a scenario consists of, and what is put through it. */
import type { Random } from 'holdfast'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import type { UpstreamOptions } from '../upstream/upstream-options.ts'

/** What an operator knows about a service without having seen it fail: it is all that a subject is told. */
export interface ServiceFacts {
  /** How long an attempt may take before it is given up, in milliseconds. */
  readonly attemptTimeoutMs: number
  /** How many calls at once it is meant to get from us. */
  readonly maxConcurrent: number
  /** The provider's published limit. */
  readonly limit?: { readonly requests: number; readonly windowMs: number } | undefined
  /** Requests carry a key (a symbol, an account) of which one can fail alone. */
  readonly isKeyed?: boolean | undefined
}

/** An upstream of a scenario. */
export type ScenarioUpstream = Omit<UpstreamOptions, 'clock'> & { readonly facts: ServiceFacts }

/** What kind of work a request is. */
export type RequestKind = 'read' | 'order' | 'cancel'

/** A stream of requests to the platform. */
export interface Route {
  readonly name: string
  /** Which upstream it needs. */
  readonly upstream: string
  /** Requests per second, steady or by time in milliseconds. They come independently of each other. */
  readonly requestsPerSecond: number | ((atMs: number) => number)
  /** Crowds that come at once. */
  readonly crowds?: readonly { readonly atMs: number; readonly size: number }[] | undefined
  /** How long a client waits, in milliseconds. */
  readonly deadlineMs: number
  /** Default `read`. An order must not be carried out twice. */
  readonly kind?: RequestKind | undefined
  /** What a request is about. */
  readonly key?: ((random: Random) => string) | undefined
  /** The upstream works for it all the time: what goes wrong on this route is a cascade. */
  readonly isUnaffected?: boolean | undefined
}

/** Something that happens to the platform itself. */
export type Happening =
  /** Our own event loop stands still: a long computation, a pause of the collector, a suspended machine. */
  | { readonly atMs: number; readonly type: 'stall'; readonly durationMs: number }
  /** The wall clock is set. */
  | { readonly atMs: number; readonly type: 'step-wall-time'; readonly byMs: number }

/** A platform with routes and upstreams, and what happens to it. */
export interface Scenario {
  readonly name: string
  readonly durationMs: number
  /** How many requests the platform works on at once, whatever their route: connections, memory, handlers. */
  readonly slots: number
  readonly routes: readonly Route[]
  readonly upstreams: Readonly<Record<string, ScenarioUpstream>>
  /** When it is over, for measuring how long recovery takes. */
  readonly faultEndsMs?: number | undefined
  readonly happenings?: readonly Happening[] | undefined
}

/** A request to the platform. */
export interface ScenarioRequest {
  readonly id: number
  readonly route: Route
  readonly key: string | undefined
  /** When it came and when its client gives up, on the monotonic scale. */
  readonly arrivedAt: number
  readonly deadlineAt: number
  readonly random: Random
}

/** The way to the upstream for one request. */
export interface Connection {
  /** One attempt. */
  send(signal?: AbortSignal): Promise<unknown>
  /** Asks how often this request has been carried out. */
  lookUp(signal?: AbortSignal): Promise<number>
}

/** Answers a request, or throws. */
export type Handler = (request: ScenarioRequest, connection: Connection) => Promise<unknown>

/** What is put through scenarios: a way to guard calls. */
export interface Subject {
  readonly name: string
  /** Makes a fresh handler, which guards each service by what is known about it. */
  make(platform: {
    readonly clock: VirtualClock
    readonly random: Random
    readonly services: Readonly<Record<string, ServiceFacts>>
  }): Handler
}
