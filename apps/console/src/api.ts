/**
 * What the gateway's control API and the page say to each other. Types only: the gateway writes these, the page reads them.
 * Times are milliseconds since 1970 unless the name says otherwise.
 */

/** What somebody may do: look; act; also switch protection off. Each may do what those before it may. */
export type Role = 'viewer' | 'operator' | 'admin'

/** Who is signed in. */
export interface SessionView {
  readonly name: string
  readonly role: Role
  /** Good for one act of this session, sent as `x-csrf-token`. Ask again for the next. */
  readonly csrfToken: string
}

/** Where a service stands, as an operator calls it. */
export type ShownState = 'CLOSED' | 'OPEN' | 'HALF_OPEN' | 'PAUSED' | 'DISABLED'

/** Something that a person has set, and that is still in force. */
export interface StandingAct {
  readonly kind: 'trip' | 'pause' | 'disable' | 'limit' | 'slots'
  readonly who: string
  readonly reason: string
  readonly at: number
  /** When it ends by itself; null when somebody has to end it. */
  readonly until: number | null
}

/** One service at this moment. */
export interface ServiceStatus {
  readonly name: string
  readonly profile: string
  readonly state: ShownState
  readonly since: number
  readonly circuit: {
    /** From when on the next call is let through as a probe; null when none is awaited. */
    readonly nextAttemptAt: number | null
    /** Failures in a row. */
    readonly failureCount: number
    readonly failureThreshold: number
    /** Probes under way. */
    readonly probes: number
    readonly lastError: string | null
  } | null
  readonly limit: {
    readonly remaining: number | null
    readonly burstSize: number | null
    readonly tokensPerSecond: number | null
    /** For how long the service asked not to be called, in milliseconds. */
    readonly pausedForMs: number
  } | null
  readonly slots: { readonly active: number; readonly max: number; readonly queued: number } | null
  readonly latency: { readonly p50Ms: number; readonly p90Ms: number; readonly p99Ms: number } | null
  /** What retries may still cost, if the service has a budget for them. */
  readonly retryBudget: { readonly tokens: number; readonly capacity: number } | null
  readonly inFlight: number
  readonly acts: readonly StandingAct[]
}

/** Whether new orders are stopped, and by whom. */
export interface OrdersStatus {
  readonly stopped: boolean
  readonly who: string | null
  readonly reason: string | null
  readonly since: number | null
  /** How many orders nobody knows the fate of, and since when the oldest; null when the gateway does not track them. */
  readonly inDoubt: { readonly count: number; readonly oldestSince: number | null } | null
}

/** The whole board: the first frame of a stream has all services, later ones those that changed. */
export interface BoardFrame {
  readonly at: number
  readonly services: readonly ServiceStatus[]
  readonly orders: OrdersStatus
}

/** Calls refused by our own guards, by cause. */
export interface RefusedByCause {
  readonly circuit: number
  readonly limit: number
  readonly slots: number
}

/** One refusal or retry out of many, to be looked at. */
export interface ExampleCall {
  readonly at: number
  readonly what: 'refused' | 'retry' | 'timeout'
  readonly operation: string | null
  readonly attempt: number
  /** The reason with its figures, in words. */
  readonly message: string
  readonly retryAfterMs: number | null
}

/** What became of one service's calls in one second. */
export interface ServiceSecond {
  readonly service: string
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  readonly refused: RefusedByCause
  readonly retries: number
  readonly timeouts: number
  readonly p50Ms: number | null
  readonly p90Ms: number | null
  readonly p99Ms: number | null
  readonly active: number
  readonly queued: number
  readonly tokens: number | null
  readonly state: ShownState
  /** One call of each kind that happened, to explain it. */
  readonly examples: readonly ExampleCall[]
}

/** What came in over one route in one second, and where it ended. */
export interface RouteSecond {
  readonly route: string
  /** The service that answers it; null when the gateway does. */
  readonly service: string | null
  readonly answered: number
  /** Turned away by the gateway's own limit, before any service. */
  readonly refusedAtGateway: number
  /** Turned away by the service's guards. */
  readonly refusedAtService: number
  readonly failed: number
}

/** One second of everything. */
export interface SecondFrame {
  /** The second, in milliseconds since 1970. */
  readonly at: number
  readonly services: readonly ServiceSecond[]
  readonly routes: readonly RouteSecond[]
}

/** Something that happened, kept for 30 days. */
export interface Happening {
  readonly id: number
  readonly at: number
  readonly kind: 'circuit' | 'act' | 'orders' | 'rehearsal' | 'gateway'
  /** The service it concerns; null for the whole platform. */
  readonly service: string | null
  /** The state it led to, if it is a change of state. */
  readonly state: ShownState | null
  /** What happened, in one sentence without the name of the service. */
  readonly text: string
  /** Who did it; null when nobody did. */
  readonly who: string | null
}

/** Values over time. All arrays are as long as `at`. */
export interface Series {
  readonly at: readonly number[]
  readonly succeeded: readonly number[]
  readonly failed: readonly number[]
  readonly refusedCircuit: readonly number[]
  readonly refusedLimit: readonly number[]
  readonly refusedSlots: readonly number[]
  readonly retries: readonly number[]
  readonly timeouts: readonly number[]
  /** Mean of the step's seconds; null where nothing was called. */
  readonly p50Ms: readonly (number | null)[]
  /** Worst of the step's seconds. */
  readonly p99Ms: readonly (number | null)[]
  readonly active: readonly number[]
  readonly queued: readonly number[]
  readonly tokens: readonly (number | null)[]
  /** The worst state of the step. */
  readonly state: readonly ShownState[]
}

/** `GET /v1/resilience/history` */
export interface HistoryView {
  readonly from: number
  readonly to: number
  readonly stepMs: number
  readonly services: Readonly<Record<string, Series>>
  readonly happenings: readonly Happening[]
  /** Refusals, retries and timeouts, newest first: only when one service is asked for. */
  readonly examples: readonly (ExampleCall & { readonly count: number })[]
}

/** One act in the audit. */
export interface AuditEntry {
  readonly id: number
  readonly at: number
  readonly who: string
  readonly role: Role | 'gateway'
  readonly act: string
  /** The service, the upstream, or `orders`. */
  readonly target: string
  readonly reason: string
  readonly until: number | null
  readonly before: string
  /** Null while it is being done. */
  readonly after: string | null
  readonly outcome: 'begun' | 'done' | 'failed'
}

/** `GET /v1/resilience/audit` */
export interface AuditView {
  readonly entries: readonly AuditEntry[]
  /** Pass it as `before` for older ones; null when there are none. */
  readonly before: number | null
}

/** An outage of one service, from the opening of its circuit to its closing. */
export interface Incident {
  readonly id: number
  readonly service: string
  readonly openedAt: number
  readonly closedAt: number | null
  readonly byHand: boolean
  /** What opened it, in words. */
  readonly cause: string
  /** How it ended, in words; null while it lasts. */
  readonly ending: string | null
  readonly failed: number
  readonly refused: RefusedByCause
  readonly timeouts: number
  readonly retries: number
  /** How often a probe failed and the circuit opened again. */
  readonly reopened: number
  /** How long each refused call could have waited, in milliseconds: the limit of one attempt. */
  readonly waitLimitMs: number | null
  /** Orders that came into doubt meanwhile, and how they ended; null when the gateway does not track them. */
  readonly ordersInDoubt: readonly { readonly id: string; readonly ending: string | null }[] | null
}

/** `GET /v1/resilience/incidents` */
export interface IncidentsView {
  readonly incidents: readonly Incident[]
}

/** One value of a service's configuration. */
export interface SettingView {
  readonly path: string
  readonly value: number | boolean | string
  /** Where it comes from; `operator` for what a person has set for a while. */
  readonly from: 'profile' | 'defaults' | 'service' | 'operator'
}

/** One process of a fleet. */
export interface FleetMemberView {
  readonly processId: string
  readonly silentForMs: number
  /** Its share of each limit without Redis, from 0 to 1. */
  readonly part: number
  /** Whether that share is kept for it: it is gone, or on its own. */
  readonly isAlone: boolean
}

/** `GET /v1/fleet`; null for a gateway that is alone. */
export interface FleetView {
  readonly processId: string
  /** Null while Redis is away. */
  readonly members: readonly FleetMemberView[] | null
  readonly shards: readonly FleetShardView[]
  /** What became of the tokens of each limit in this process. */
  readonly limits: Readonly<Record<string, FleetLimitView>>
}

/** A server that keeps limits; all are one but in a Cluster. */
export interface FleetShardView {
  readonly tag: string
  readonly available: boolean
  /** Null before its first answer. */
  readonly silentForMs: number | null
  readonly roundTripMs: number
  /** Whether limits are shared out without it. */
  readonly sharing: boolean
}

/** Tokens of one limit. */
export interface FleetLimitView {
  readonly questions: number
  readonly granted: number
  readonly spent: number
  readonly givenBack: number
  /** Spent on the share without Redis. */
  readonly unleased: number
}

/** `GET /v1/resilience/services/:service` */
export interface ServiceView {
  readonly status: ServiceStatus
  readonly settings: readonly SettingView[]
}

/** A fault that can be rehearsed. */
export type RehearsalFault = 'hang' | 'reset' | 'errors' | 'slow' | 'throttle' | 'garbage' | 'flap'

/** `GET /v1/resilience/rehearsal` */
export interface RehearsalView {
  /** False when real upstreams are configured: nothing can be rehearsed on them. */
  readonly allowed: boolean
  readonly upstreams: readonly {
    readonly name: string
    /** What is injected now, in words, and until when. */
    readonly faults: readonly string[]
    readonly until: number | null
  }[]
}

/** The body of `POST /v1/resilience/acts`. `forMs` is how long it holds; without it, until somebody ends it. */
export type ActRequest =
  | {
      readonly act: 'trip' | 'disable'
      readonly service: string
      readonly reason: string
      readonly forMs?: number | undefined
    }
  | { readonly act: 'pause'; readonly service: string; readonly reason: string; readonly forMs: number }
  | {
      readonly act: 'reset' | 'restore-limit' | 'restore-slots'
      readonly service: string
      readonly reason: string
    }
  | {
      readonly act: 'set-limit'
      readonly service: string
      readonly reason: string
      readonly forMs: number
      readonly tokensPerSecond: number
      readonly burstSize?: number | undefined
    }
  | {
      readonly act: 'set-slots'
      readonly service: string
      readonly reason: string
      readonly forMs: number
      readonly maxConcurrent: number
    }
  | { readonly act: 'stop-orders' | 'allow-orders'; readonly reason: string }
  | {
      readonly act: 'inject-fault'
      readonly upstream: string
      readonly fault: RehearsalFault
      readonly forMs: number
      readonly reason: string
    }
  | { readonly act: 'clear-faults'; readonly upstream: string; readonly reason: string }

/** A failure, as the gateway tells it (RFC 9457). */
export interface ProblemView {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly retryAfter?: number
}

/** The names of the stream's events and what each carries. */
export interface StreamEvents {
  readonly board: BoardFrame
  readonly second: SecondFrame
  readonly happening: Happening
  readonly audit: AuditEntry
  /** What was missed is no longer at hand: load the history anew. */
  readonly gap: { readonly at: number }
}
