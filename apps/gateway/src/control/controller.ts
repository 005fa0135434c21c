/** Does what people ask for: written down first, done, told, and taken back when its time is over. */
import type { ActRequest, AuditEntry, Happening, OrdersStatus, Role, StandingAct } from '@holdfast/console/api'
import type { Clock, Timer } from 'holdfast'
import { mayActAs, type Principal } from '../access/tokens.ts'
import type { AuditLog, BegunAct } from '../audit/audit-log.ts'
import { type ActPlan, type ActSurroundings, planAct } from './act-plan.ts'
import type { KeptAct, StandingActs } from './standing-acts.ts'

/** Somebody asks for what his role does not permit. */
export class NotPermittedError extends Error {
  override readonly name = 'NotPermittedError'
  readonly code = 'GATEWAY_NOT_PERMITTED'
}

/** What happened, before it has a number. */
export type Told = Omit<Happening, 'id' | 'at'>

/** Who does what the gateway does by itself. */
const GATEWAY = { name: 'gateway', role: 'gateway' } as const

/** When the end of an act that could not be written down is tried again, in milliseconds. */
const AGAIN_MS = 5_000

/** Performs acts. */
export class Controller {
  readonly #around: ActSurroundings
  readonly #audit: AuditLog
  readonly #standing: StandingActs
  readonly #clock: Clock
  readonly #tell: (told: Told) => void
  readonly #reportError: (error: unknown) => void
  readonly #timers = new Map<string, Timer>()
  #acting = false

  constructor(options: {
    readonly around: ActSurroundings
    readonly audit: AuditLog
    readonly standing: StandingActs
    readonly clock: Clock
    readonly tell: (told: Told) => void
    /** Told when an act whose time is over cannot be ended yet. */
    readonly reportError: (error: unknown) => void
  }) {
    this.#around = options.around
    this.#audit = options.audit
    this.#standing = options.standing
    this.#clock = options.clock
    this.#tell = options.tell
    this.#reportError = options.reportError
  }

  /** Whether an act is being done: changes of circuits are then its doing. */
  get isActing(): boolean {
    return this.#acting
  }

  /** What is in force for a service. */
  actsOn(service: string): readonly StandingAct[] {
    return this.#standing.all.flatMap(({ target, kind, who, reason, at, until }) =>
      target === service && kind !== 'stop' ? [{ kind, who, reason, at, until }] : [],
    )
  }

  /** Whether new orders are stopped, and by whom. */
  get orders(): Omit<OrdersStatus, 'inDoubt'> {
    const act = this.#standing.get('orders', 'orders')
    const { engaged: stopped } = this.#around.killSwitch
    if (!stopped || act === undefined) return { stopped, who: null, reason: null, since: null }
    return { stopped, who: act.who, reason: act.reason, since: act.at }
  }

  /**
   * Does it.
   *
   * @throws ImpossibleActError, NotPermittedError: nothing was done; anything else: see the audit
   */
  perform(request: ActRequest, by: Principal): AuditEntry {
    const at = this.#clock.wallTime()
    const until = 'forMs' in request && request.forMs !== undefined ? at + request.forMs : null
    const plan = planAct(request, this.#around, by.name, until)
    if (!mayActAs(by.role, plan.role)) {
      throw new NotPermittedError(`${by.name} is ${by.role}; ${request.act} needs ${plan.role} here`)
    }
    const { act, reason } = request
    return this.#do(plan, { act, reason, who: by.name, role: by.role, at, until })
  }

  /** After a start: does again what is still in force, and ends what has run out meanwhile. */
  restore(): void {
    const now = this.#clock.wallTime()
    for (const kept of this.#standing.all) {
      if (kept.until !== null && kept.until <= now) {
        this.#standing.remove(kept.target, kept.slot)
        continue
      }
      const request = requestOf(kept)
      const reason = `still in force after a restart: ${kept.reason}`
      try {
        const plan = planAct(request, this.#around, kept.who, kept.until)
        this.#do(
          plan,
          { act: request.act, reason, who: GATEWAY.name, role: GATEWAY.role, at: now, until: kept.until },
          kept,
        )
      } catch (error) {
        // The service has gone from the configuration: what was set for it means nothing any more.
        if (!(error instanceof Error) || error.name !== 'ImpossibleActError') throw error
        this.#standing.remove(kept.target, kept.slot)
      }
    }
  }

  /** Calls off all timers. What is in force stays so. */
  close(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }

  #do(
    plan: ActPlan,
    begun: {
      readonly act: string
      readonly reason: string
      readonly who: string
      readonly role: Role | 'gateway'
      readonly at: number
      readonly until: number | null
    },
    again?: KeptAct,
  ): AuditEntry {
    const { target, slot } = plan
    const { act, reason, who, role, at, until } = begun
    const id = this.#begin(plan, { at, who, role, act, target, reason, until, before: plan.describe() })
    this.#acting = true
    try {
      if (slot !== undefined && plan.kept === undefined) this.#standing.remove(target, slot)
      if (slot !== undefined && plan.kept !== undefined && again === undefined) {
        this.#standing.put({ target, slot, who, reason, at, until, ...plan.kept })
      }
      plan.apply()
    } catch (error) {
      this.#audit.finish(id, 'failed', error instanceof Error ? error.message.slice(0, 200) : String(error))
      throw error
    } finally {
      this.#acting = false
    }
    this.#schedule(plan, at, until)
    this.#tell({
      kind: slot === undefined ? 'rehearsal' : slot === 'orders' ? 'orders' : 'act',
      service: slot === 'orders' ? null : target,
      state: null,
      text: `${plan.told}${reason === '' ? '' : `: “${reason}”`}`,
      who,
    })
    return this.#audit.finish(id, 'done', plan.describe())
  }

  /** Writes it down; new orders are stopped also when that fails: a broken disk is no time to refuse it. */
  #begin(plan: ActPlan, begun: BegunAct): number {
    try {
      return this.#audit.begin(begun)
    } catch (error) {
      if (begun.act === 'stop-orders') plan.apply()
      throw error
    }
  }

  /** Timed by the clock that nobody can set: a wall clock that jumps neither shortens nor prolongs it. */
  #schedule({ target, slot, kept }: ActPlan, at: number, until: number | null): void {
    const key = `${slot ?? 'rehearsal'} ${target}`
    this.#timers.get(key)?.cancel()
    this.#timers.delete(key)
    if (until === null || (slot !== undefined && kept === undefined)) return
    const end = (): void => {
      this.#timers.delete(key)
      try {
        this.#end(slot, target)
      } catch (error) {
        // It holds until its end can be written down.
        this.#reportError(error)
        this.#timers.set(key, this.#clock.setTimer(end, AGAIN_MS, false))
      }
    }
    this.#timers.set(key, this.#clock.setTimer(end, until - at, false))
  }

  #end(slot: ActPlan['slot'], target: string): void {
    const ending = endOf(slot, target)
    const plan = planAct(ending, this.#around, GATEWAY.name, null)
    this.#do(plan, {
      act: ending.act,
      reason: 'its time is over',
      who: GATEWAY.name,
      role: GATEWAY.role,
      at: this.#clock.wallTime(),
      until: null,
    })
  }
}

/** What does a kept act again. */
function requestOf({ kind, target: service, reason, figures }: KeptAct): ActRequest {
  const forMs = 0
  switch (kind) {
    case 'stop':
      return { act: 'stop-orders', reason }
    case 'limit': {
      const { tokensPerSecond = 1, burstSize = 1 } = figures
      return { act: 'set-limit', service, reason, forMs, tokensPerSecond, burstSize }
    }
    case 'slots':
      return { act: 'set-slots', service, reason, forMs, maxConcurrent: figures.maxConcurrent ?? 1 }
    case 'pause':
      return { act: 'pause', service, reason, forMs }
    default:
      return { act: kind, service, reason }
  }
}

/** What ends an act whose time is over. */
function endOf(slot: ActPlan['slot'], target: string): ActRequest {
  const reason = ''
  if (slot === undefined) return { act: 'clear-faults', upstream: target, reason }
  if (slot === 'orders') return { act: 'allow-orders', reason }
  if (slot === 'limit') return { act: 'restore-limit', service: target, reason }
  if (slot === 'slots') return { act: 'restore-slots', service: target, reason }
  return { act: 'reset', service: target, reason }
}
