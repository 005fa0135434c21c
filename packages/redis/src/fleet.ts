/** What the processes of a fleet share, seen from one of them. */
import {
  type CircuitBreaker,
  type CircuitBreakerOptions,
  type Clock,
  type FleetPatterns,
  type FleetSettings,
  type RateLimiter,
  type RateLimiterOptions,
  systemClock,
  type Timer,
  type Unsubscribe,
} from 'holdfast'
import { fleetCircuitBreaker } from './circuit-breaker/fleet-circuit-breaker.ts'
import { type FleetError, FleetUnsafeRedisError } from './errors.ts'
import { checkFleetOptions, DEFAULT_LEASE_MS, DEFAULT_TIME_LIMIT_MS, type FleetOptions } from './fleet-options.ts'
import { Asker } from './rate-limiter/asker.ts'
import type { LeaseCounts } from './rate-limiter/bucket.ts'
import { fleetRateLimiter } from './rate-limiter/fleet-rate-limiter.ts'
import type { RedisPort } from './redis/port.ts'
import { portOf } from './redis/port-of.ts'
import { Shard, WHOLE } from './redis/shard.ts'
import { SEE_MEMBERS } from './scripts/see-members.ts'

/** How long `connectFleet` waits for a first answer, in milliseconds. */
const FIRST_ANSWER_MS = 1_000

/** A fleet at one moment, as plain data. */
export interface FleetSnapshot {
  /** Name of this process. */
  readonly processId: string
  /** How many processes there are, this one included; null before Redis has answered. */
  readonly processes: number | null
  readonly shards: readonly {
    readonly tag: string
    readonly available: boolean
    /** For how many milliseconds nothing has been heard of it; null before its first answer. */
    readonly silentForMs: number | null
    readonly roundTripMs: number
    /** Which part of each limit this process has when they are shared out without it, from 0 to 1; 0 until the others know. */
    readonly part: number
    /** Whether limits are shared out without it. */
    readonly sharing: boolean
  }[]
  /** What became of the tokens of each limit, in tokens; what was granted and neither spent nor given back has lapsed. */
  readonly limits: Readonly<Record<string, LeaseCounts>>
}

/** One process of the fleet, as Redis knows it. */
export interface FleetMember {
  readonly processId: string
  /** For how many milliseconds Redis has not heard of it. */
  readonly silentForMs: number
  /** Which part of each limit it has when they are shared out without Redis, from 0 to 1. */
  readonly part: number
  /** Whether that part is kept for it: it is silent, or has said that it uses it. */
  readonly isAlone: boolean
}

/** Something that is done now and then, and given up at the end. */
export interface Member {
  /** Every half lease. */
  tend?(now: number): void
  /** A server was cut off, or is back. */
  changed?(): void
  /** The process leaves. */
  leave?(now: number): void
}

/** One process's part in a fleet. Made by {@link connectFleet}. */
export class Fleet implements FleetPatterns {
  readonly processId: string
  readonly clock: Clock
  readonly keyPrefix: string
  readonly timeLimitMs: number
  readonly leaseMs: number
  /** Keeps what all must know: who is there. */
  readonly home: Shard
  readonly port: RedisPort
  readonly #onProblem: (problem: FleetError) => void
  readonly #shards = new Map<string, { readonly shard: Shard; readonly asker: Asker }>()
  readonly #members = new Set<Member>()
  readonly #limits = new Map<string, LeaseCounts>()
  #heardAt: number
  #presence: Timer | undefined
  #tending: Timer | undefined
  #closed = false

  constructor(port: RedisPort, options: FleetOptions) {
    this.port = port
    this.clock = options.clock ?? systemClock
    this.processId = options.processId ?? crypto.randomUUID()
    this.keyPrefix = options.keyPrefix ?? 'holdfast'
    this.timeLimitMs = options.timeLimitMs ?? DEFAULT_TIME_LIMIT_MS
    this.leaseMs = options.leaseMs ?? DEFAULT_LEASE_MS
    this.#onProblem = options.onProblem ?? ((problem) => console.error(`holdfast: ${problem.message}`))
    this.#heardAt = this.clock.now()
    this.home = this.shard('fleet').shard
    this.#tend()
  }

  /** The server that keeps what has that tag. All have the same but in a Cluster. */
  shard(tag: string): { readonly shard: Shard; readonly asker: Asker } {
    const own = this.port.isCluster ? tag : 'fleet'
    const known = this.#shards.get(own)
    if (known !== undefined) return known
    const shard = new Shard(own, {
      port: this.port,
      clock: this.clock,
      keyPrefix: this.keyPrefix,
      processId: this.processId,
      timeLimitMs: this.timeLimitMs,
      changed: () => this.#changed(),
      answered: () => {
        this.#heardAt = this.clock.now()
      },
    })
    const entry = { shard, asker: new Asker(shard, this.clock) }
    this.#shards.set(own, entry)
    return entry
  }

  /** A key beside others of the same tag. */
  key(shard: Shard, ...parts: readonly string[]): string {
    return [this.keyPrefix, `{${shard.tag}}`, ...parts].join(':')
  }

  /** How many processes there are, this one included; undefined before Redis has answered. */
  get processes(): number | undefined {
    return this.home.processes
  }

  /** A limiter that all processes share; for services. @see fleetRateLimiter */
  rateLimiter(name: string, options: RateLimiterOptions, settings: FleetSettings = {}): RateLimiter {
    const { clock: _, ...limits } = options
    return fleetRateLimiter(this, name, { ...limits, whenUnavailable: settings.whenUnavailable })
  }

  /** A breaker that all processes share; for services. @see fleetCircuitBreaker */
  circuitBreaker(name: string, options: CircuitBreakerOptions, settings: FleetSettings = {}): CircuitBreaker {
    const { clock: _, ...own } = options
    return fleetCircuitBreaker(this, name, { ...own, quorum: settings.quorum })
  }

  /** Takes part in what is done now and then. @returns what ends that */
  join(member: Member): Unsubscribe {
    this.#members.add(member)
    return () => void this.#members.delete(member)
  }

  /** Shows what becomes of a limit's tokens in {@link snapshot}. */
  watch(limit: string, counts: LeaseCounts): void {
    this.#limits.set(limit, counts)
  }

  /** Tells the user what must be put right. */
  problem(error: FleetError): void {
    this.#onProblem(error)
  }

  snapshot(): FleetSnapshot {
    const now = this.clock.now()
    return {
      processId: this.processId,
      processes: this.processes ?? null,
      shards: [...this.#shards.values()].map(({ shard }) => ({
        tag: shard.tag,
        available: shard.available,
        silentForMs: Number.isFinite(shard.lastAnsweredAt) ? Math.round(now - shard.lastAnsweredAt) : null,
        roundTripMs: Math.round(shard.roundTripMs * 100) / 100,
        part: shard.part,
        sharing: shard.shareFrom(now) !== undefined,
      })),
      limits: Object.fromEntries([...this.#limits].map(([name, counts]) => [name, { ...counts }])),
    }
  }

  /**
   * All processes of the fleet, this one included. Redis remembers one that was killed for five minutes.
   *
   * @throws FleetUnavailableError while Redis is away
   */
  async members(): Promise<readonly FleetMember[]> {
    const { values } = await this.home.ask(SEE_MEMBERS, [], [])
    const { silentMs } = this.home.timing
    return Array.from({ length: values.length / 4 }, (_, index) => {
      const [processId, silentUs, share, used] = values.slice(4 * index, 4 * index + 4)
      const silentForMs = Math.round(Number(silentUs) / 1_000)
      const isAlone = silentForMs > silentMs || Number(used) === 1
      return { processId: String(processId), silentForMs, part: Number(share) / WHOLE, isAlone }
    })
  }

  /** Waits for a first answer, or until it is clear that none comes soon. @throws FleetUnsafeRedisError */
  async begin(): Promise<void> {
    const deadline = this.clock.now() + FIRST_ANSWER_MS
    while (!this.port.connected && this.clock.now() < deadline) await this.#pause(10)
    await this.#present()
    if (this.home.available) await this.#checkSafety()
  }

  /** Gives everything back and leaves the fleet. The others need not wait for what this process held. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#presence?.cancel()
    this.#tending?.cancel()
    for (const member of this.#members) member.leave?.(this.clock.now())
    // What they give back goes first: whoever asks is there again. Redis may be away: then what is held lapses by itself.
    await Promise.resolve()
    await this.#bePresent(false)
    for (const { shard } of this.#shards.values()) shard.close()
    await this.port.close()
  }

  async #present(): Promise<void> {
    await this.#bePresent(true)
    const now = this.clock.now()
    if (now - this.#heardAt > this.home.timing.deadMs) {
      this.#heardAt = now
      this.port.reconnect()
    }
    if (!this.#closed)
      this.#presence = this.clock.setTimer(() => void this.#present(), this.home.timing.presenceMs, false)
  }

  /** Every server must hear of it: each keeps the shares of those who are silent. What fails its shard's breaker has counted. */
  async #bePresent(stays: boolean): Promise<void> {
    await Promise.allSettled([...this.#shards.values()].map(({ shard }) => shard.bePresent(stays)))
  }

  #tend(): void {
    this.#tending = this.clock.setTimer(
      () => {
        const now = this.clock.now()
        for (const member of this.#members) member.tend?.(now)
        this.#tend()
      },
      this.leaseMs / 2,
      false,
    )
  }

  #changed(): void {
    for (const member of this.#members) member.changed?.()
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.clock.setTimer(resolve, ms))
  }

  async #checkSafety(): Promise<void> {
    const memory = await this.port.info('memory').catch(() => '')
    const limit = Number(/maxmemory:(\d+)/.exec(memory)?.[1] ?? 0)
    const policy = /maxmemory_policy:(\S+)/.exec(memory)?.[1] ?? 'noeviction'
    if (limit === 0 || policy === 'noeviction') return
    throw new FleetUnsafeRedisError(
      `this Redis throws keys away when its memory is full (maxmemory-policy ${policy}), and with them what was spent; set it to noeviction, or use another Redis`,
    )
  }
}

/**
 * Joins the fleet of all processes that use the same Redis and the same `keyPrefix`.
 *
 * @throws InvalidOptionError when an option makes no sense; FleetUnsafeRedisError when Redis throws keys away under
 *   pressure; a Redis that is away is no error, see `whenUnavailable`
 * @example
 * const fleet = await connectFleet({ redis: 'redis://127.0.0.1:6379' })
 * const limiter = fleetRateLimiter(fleet, 'alpaca', { tokensPerSecond: 200 / 60, burstSize: 10 })
 */
export async function connectFleet(options: FleetOptions): Promise<Fleet> {
  checkFleetOptions(options)
  const fleet = new Fleet(await portOf(options.redis), options)
  try {
    await fleet.begin()
  } catch (error) {
    await fleet.close()
    throw error
  }
  return fleet
}
