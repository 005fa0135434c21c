/** Whether a request is let in: the part that the middleware of every framework shares. */
import {
  ClientPlace,
  type Clock,
  type FleetPatterns,
  InvalidOptionError,
  type RateLimit,
  type RateLimitDecision,
} from 'holdfast'
import {
  atLeast,
  clockRule,
  flag,
  instance,
  isOptions,
  nameText,
  positive,
  type Rules,
  wholeNumber,
} from 'holdfast/options'
import { Answers } from './answers.ts'
import { type SharedLimit, Tier } from './tier.ts'

/** Limits of the requests that come in. Give one for all clients together, one for each client, or both. */
export interface AdmissionOptions {
  /** The limit for all clients together: requests that come back each second. */
  readonly tokensPerSecond?: number | undefined
  /** The limit for all clients together: requests that can come at once. Default: a second's worth, at least 1. */
  readonly burstSize?: number | undefined
  /** The limit for each client; or several that hold at once, such as 10 a second and 1,000 a day. */
  readonly perClient?: RateLimit | readonly RateLimit[] | undefined
  /** Whether the old `X-RateLimit-Limit`, `-Remaining` and `-Reset` (in seconds from now) are sent too. Default false. */
  readonly legacyHeaders?: boolean | undefined
  /** For how many clients a bucket is kept. Default 10,000. */
  readonly maxClients?: number | undefined
  /**
   * The fleet whose processes hold clients to these limits together: `connectFleet` of `@holdfast/redis` makes one. Default:
   * this process alone.
   */
  readonly fleet?: Pick<FleetPatterns, 'rateLimiter'> | undefined
  /** What the limits are called in the fleet: the same in every process, another for each application. Default `requests`. */
  readonly fleetName?: string | undefined
  /** Source of time. Default: the system's; the fleet's where there is one. */
  readonly clock?: Clock | undefined
}

/** The rules that {@link AdmissionOptions} are held to; each limit is checked by its own limiter. */
export const ADMISSION_RULES: Rules<AdmissionOptions> = {
  tokensPerSecond: positive('tokens per second'),
  burstSize: atLeast(1, 'tokens'),
  perClient: {
    allows: (value) => (Array.isArray(value) ? value.every(isOptions) : isOptions(value)),
    says: 'it must be an object with tokensPerSecond and burstSize, or a list of such',
  },
  legacyHeaders: flag,
  maxClients: wholeNumber(1),
  fleet: instance('a fleet, from connectFleet', 'rateLimiter'),
  fleetName: nameText,
  clock: clockRule,
}

/** Headers of an answer, by their names in small letters. */
export interface LimitHeaders {
  readonly ratelimit: string
  readonly 'ratelimit-policy': string
  readonly [more: string]: string
}

/** The answer to a request that asks to come in. */
export interface Admission {
  readonly allowed: boolean
  /** To be set on the answer, whatever it is; those of a refusal tell the type and the length of its body too. */
  readonly headers: LimitHeaders
  /** The body of the answer when it is not allowed, which is a 429: a problem, as JSON. */
  readonly body: string | undefined
}

/** A limit that must be passed, what is told of it, and the limit that comes after it. */
interface Stage {
  readonly tier: Tier
  readonly answers: Answers
  readonly next: Stage | undefined
}

/** The limits that one kind of client must pass. */
interface Passage {
  readonly first: Stage
  /** The most that a request can cost. */
  readonly highestCost: number
}

/**
 * Admits requests by rate, whatever the framework. A request takes from all its limits or from none, and never waits for
 * tokens; in a fleet it may wait until the others have been asked.
 *
 * @example
 * const control = new AdmissionControl({ perClient: { tokensPerSecond: 10, burstSize: 20 } })
 * const { allowed, retryAfter, body } = control.admit('user:ada')
 */
export class AdmissionControl {
  /** Whether a refusal is one only after the fleet was asked. */
  readonly #asks: boolean
  readonly #everybody: Passage
  readonly #single: ReadonlyMap<string, Passage> | undefined

  /**
   * @param single limits of single clients, instead of `perClient`
   * @throws InvalidOptionError when an option makes no sense
   */
  constructor(options: AdmissionOptions, single: ReadonlyMap<string, RateLimit> = new Map()) {
    const { tokensPerSecond, burstSize, perClient, legacyHeaders = false, maxClients, clock } = options
    const { fleet, fleetName = 'requests' } = options
    const sharedAs = (name: string): SharedLimit | undefined => fleet && { fleet, name: `${fleetName}:${name}` }
    this.#asks = fleet !== undefined
    const own = perClient === undefined ? [] : [perClient].flat()
    if (tokensPerSecond === undefined && burstSize !== undefined) throw noLimit()
    const alone = single.size === 0 && own.length + (tokensPerSecond === undefined ? 0 : 1) === 1
    const nameOf = (name: string): string => (alone ? 'default' : name)
    const clients = own.map((limit, index) => {
      const name = nameOf(index === 0 ? 'client' : `client-${index + 1}`)
      return new Tier(name, 'client', limit, { maxClients, clock, shared: sharedAs(`client-${index + 1}`) })
    })
    const all =
      tokensPerSecond === undefined
        ? []
        : [new Tier(nameOf('global'), 'global', { tokensPerSecond, burstSize }, { clock, shared: sharedAs('all') })]
    this.#everybody = passageOf([...clients, ...all], legacyHeaders)
    if (single.size === 0) return
    this.#single = new Map(
      [...single].map(([client, limit]) => {
        const its = new Tier('client', 'client', limit, { maxClients: 1, clock, shared: sharedAs(client) })
        return [client, passageOf([its, ...all], legacyHeaders)]
      }),
    )
  }

  /**
   * Asks for a request of this client.
   *
   * @param cost tokens it takes, default 1
   * @throws InvalidOptionError when the cost can never be met; {@link checkCost} tells beforehand
   */
  admit(client: string | ClientPlace<string>, cost = 1): Admission {
    const place = typeof client === 'string' ? new ClientPlace(client) : client
    const { first, highestCost } = this.#passageOf(place.client)
    if (cost !== 1 && !(cost > 0 && cost <= highestCost)) throw invalidCost('cost', cost, highestCost)
    const { tier, answers, next } = first
    const takes = tier.tryTake(place, cost)
    if (next !== undefined) return admitByAll(first, place, cost, takes)
    return takes ? answers.letIn(tier.decision) : answers.turnAway(tier.decision)
  }

  /**
   * {@link admit} where a fleet may have to be asked before a refusal is one. Without a fleet the answer is no promise.
   *
   * @throws InvalidOptionError when the cost can never be met
   */
  decide(place: ClientPlace<string>, cost = 1): Admission | Promise<Admission> {
    const admission = this.admit(place, cost)
    if (!this.#asks || admission.allowed) return admission
    const stages = [...stagesFrom(this.#passageOf(place.client).first)]
    const asking = stages.flatMap(({ tier }) => tier.asking(place, cost) ?? [])
    return asking.length === 0 ? admission : Promise.all(asking).then(() => this.admit(place, cost))
  }

  #passageOf(client: string): Passage {
    return this.#single?.get(client) ?? this.#everybody
  }

  /** For how many clients a bucket is kept. */
  get clients(): number {
    return Math.max(...[...stagesFrom(this.#everybody.first)].map(({ tier }) => tier.clients))
  }

  /** Checks a cost before the first request pays it. @throws InvalidOptionError that names the field */
  checkCost(field: string, cost: number): void {
    const passages = [this.#everybody, ...(this.#single?.values() ?? [])]
    const most = Math.min(...passages.map(({ highestCost }) => highestCost))
    if (typeof cost !== 'number' || !(cost > 0 && cost <= most)) throw invalidCost(field, cost, most)
  }
}

/** @param takes whether the first has given its tokens */
function admitByAll(first: Stage, place: ClientPlace<string>, cost: number, takes: boolean): Admission {
  let allowed = takes
  let tightest = first
  for (let stage = first.next; stage !== undefined; stage = stage.next) {
    const { tier } = stage
    const takesToo = tier.tryTake(place, cost)
    if (takesToo !== allowed) {
      if (takesToo) tier.giveBack(place, cost)
      else giveBackBefore(stage, first, place, cost)
      allowed = false
    }
    if (isTighter(tier.decision, tightest.tier.decision)) tightest = stage
  }
  const { answers, tier } = tightest
  return allowed ? answers.letIn(tier.decision) : answers.turnAway(tier.decision)
}

/** One limit refuses: what those before it have given goes back. */
function giveBackBefore(refusing: Stage, first: Stage, place: ClientPlace<string>, cost: number): void {
  for (const stage of stagesFrom(first)) {
    if (stage === refusing) return
    stage.tier.giveBack(place, cost)
  }
}

function* stagesFrom(first: Stage): Generator<Stage> {
  for (let stage: Stage | undefined = first; stage !== undefined; stage = stage.next) yield stage
}

function passageOf(tiers: readonly Tier[], legacyHeaders: boolean): Passage {
  const policyHeader = tiers.map(({ policy }) => policy.item).join(', ')
  const stageOf = (tier: Tier, next: Stage | undefined): Stage => {
    return { tier, answers: new Answers(tier, policyHeader, legacyHeaders), next }
  }
  const first = tiers.reduceRight<Stage | undefined>((next, tier) => stageOf(tier, next), undefined)
  if (first === undefined) throw noLimit()
  return { first, highestCost: Math.min(...tiers.map(({ policy }) => policy.burstSize)) }
}

/** Of two limits the one that is waited for longer; of equals the one with less left. */
function isTighter(a: RateLimitDecision, b: RateLimitDecision): boolean {
  return a.retryAfterMs === b.retryAfterMs ? a.remaining < b.remaining : a.retryAfterMs > b.retryAfterMs
}

function noLimit(): InvalidOptionError {
  return new InvalidOptionError('rateLimiter.tokensPerSecond', undefined, 'give tokensPerSecond, perClient, or both')
}

function invalidCost(field: string, cost: number, most: number): InvalidOptionError {
  return new InvalidOptionError(field, cost, `it must be a number above 0 and at most the smallest burstSize, ${most}`)
}
