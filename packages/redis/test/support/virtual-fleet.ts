import { type ModelConnection, RedisModel, type VirtualClock } from '@holdfast/testing'
import type { Clock } from 'holdfast'
import { Fleet } from '../../src/fleet.ts'
import type { FleetOptions } from '../../src/fleet-options.ts'
import type { WhenUnavailable } from '../../src/rate-limiter/bucket.ts'
import { FleetStore } from '../../src/rate-limiter/fleet-store.ts'
import type { LeasedBucket } from '../../src/rate-limiter/leased-bucket.ts'
import type { Admission } from './admissions.ts'

/** A limit that the fleet keeps. */
export interface VirtualLimit {
  readonly tokensPerSecond: number
  readonly burstSize: number
}

/** One process of a fleet in virtual time. */
export class VirtualProcess {
  readonly fleet: Fleet
  readonly store: FleetStore
  readonly bucket: LeasedBucket
  readonly connection: ModelConnection
  readonly #clock: VirtualClock
  readonly #own: Clock
  readonly #admissions: Admission[]
  #dead = false

  constructor(
    redis: RedisModel,
    clock: VirtualClock,
    admissions: Admission[],
    options: {
      readonly limit: VirtualLimit
      readonly whenUnavailable: WhenUnavailable
      readonly latencyMs: number
      /** How far this process's clocks are from the others'. */
      readonly offsetMs?: number
    } & Partial<Omit<FleetOptions, 'redis' | 'clock'>>,
  ) {
    const { limit, whenUnavailable, latencyMs, offsetMs = 0, ...fleet } = options
    this.#clock = clock
    this.#own = shifted(clock, offsetMs, () => this.#dead)
    this.#admissions = admissions
    this.connection = redis.connect({ latencyMs })
    this.fleet = new Fleet(this.connection, { redis: this.connection, clock: this.#own, ...fleet })
    this.store = new FleetStore(this.fleet, 'alpaca', whenUnavailable)
    this.bucket = this.store.bucket({ label: 'global', ...limit }, () => undefined)
    void this.fleet.begin()
  }

  /** One call: admitted or not, in this turn. */
  call(cost = 1): boolean {
    const now = this.#own.now()
    if (this.#dead || this.bucket.waitMs(cost, now) > 0) return false
    this.bucket.take(cost, now)
    this.#admissions.push({ at: this.#clock.now(), cost })
    return true
  }

  /** One call that waits for Redis's answer if that is what is missing. */
  async ask(cost = 1): Promise<boolean> {
    if (this.call(cost)) return true
    await this.bucket.asking(cost, this.#own.now())
    return this.call(cost)
  }

  /** Ends it at once, with all that it holds. */
  kill(): void {
    this.#dead = true
    this.connection.connected = false
    this.connection.arrives = false
  }
}

/** A clock of its own zero, whose timers die with the process. */
function shifted(clock: VirtualClock, byMs: number, isDead: () => boolean): Clock {
  return {
    now: () => clock.now() + byMs,
    wallTime: () => clock.wallTime() + byMs,
    setTimer: (callback, delayMs, keepsAlive) =>
      clock.setTimer(
        () => {
          if (!isDead()) callback()
        },
        delayMs,
        keepsAlive,
      ),
    block: (durationMs) => clock.block(durationMs),
  }
}

/** A fleet in virtual time: its Redis, its processes, and all that they admitted. */
export class VirtualFleet {
  readonly redis: RedisModel
  readonly processes: VirtualProcess[] = []
  readonly admissions: Admission[] = []
  readonly #clock: VirtualClock
  readonly #limit: VirtualLimit

  constructor(clock: VirtualClock, limit: VirtualLimit) {
    this.#clock = clock
    this.#limit = limit
    this.redis = new RedisModel(clock)
  }

  /** Adds a process. */
  add(
    options: {
      whenUnavailable?: WhenUnavailable
      latencyMs?: number
      offsetMs?: number
      timeLimitMs?: number
      leaseMs?: number
    } = {},
  ): VirtualProcess {
    const { whenUnavailable = 'local-share', latencyMs = 0.5, offsetMs = 0, ...periods } = options
    const process = new VirtualProcess(this.redis, this.#clock, this.admissions, {
      limit: this.#limit,
      whenUnavailable,
      latencyMs,
      offsetMs,
      processId: `p${this.processes.length}`,
      ...periods,
    })
    this.processes.push(process)
    return process
  }
}
