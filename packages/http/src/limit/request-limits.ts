/** The limits of an application: whose request it is, what its route costs, and whether it is let in. */
import { type HookErrorReporter, reportToConsole } from 'holdfast'
import { callback, checkOptions, positive, type Rules } from 'holdfast/options'
import { CLIENT_RULES, ClientIdentity, type ClientOptions, type RequestReader } from '../client/client-identity.ts'
import { ADMISSION_RULES, type Admission, AdmissionControl, type AdmissionOptions } from './admission-control.ts'

/** How much of a URL is told. */
const LONGEST_URL = 256

/** What is told of a request that was turned away. */
export interface LimitedRequest {
  /** Whose limit it was: `key:…`, `user:…` or `address:…`. */
  readonly client: string
  readonly method: string
  /** Path and query as the client sent them, cut after 256 characters. */
  readonly url: string
}

/** Options that the middleware of every framework has. */
export interface RateLimitOptions<Request> extends AdmissionOptions, ClientOptions<Request> {
  /** Told of every request that is turned away. What it throws is reported and does not change the answer. */
  readonly onLimited?: ((limited: LimitedRequest) => void | Promise<void>) | undefined
  /** Told what `onLimited` has thrown. Default: written to the console. */
  readonly onHookError?: HookErrorReporter | undefined
}

/** What a route can say of itself: what it costs, or limits that hold for it instead of the application's. */
export interface RouteLimit extends Omit<AdmissionOptions, 'clock' | 'fleet' | 'fleetName'> {
  /** Tokens that a request of this route takes. Default 1. */
  readonly cost?: number | undefined
}

/** What a route costs, and the limits that it is paid from. */
export interface RouteRule {
  readonly control: AdmissionControl
  readonly cost: number
}

/** The rules that {@link RateLimitOptions} are held to. */
const RATE_LIMIT_RULES: Rules<RateLimitOptions<never>> = {
  ...ADMISSION_RULES,
  ...CLIENT_RULES,
  onLimited: callback,
  onHookError: callback,
}

const { clock: _clock, fleet: _fleet, fleetName: _fleetName, ...WITHIN_ROUTE } = ADMISSION_RULES
const ROUTE_RULES: Rules<RouteLimit> = { ...WITHIN_ROUTE, cost: positive('tokens') }

/**
 * Lets requests in by rate. One object serves an application; the middleware of each framework only reads its requests,
 * asks here, and writes its answers.
 */
export class RequestLimits<Request> {
  readonly #reader: RequestReader<Request>
  readonly #identity: ClientIdentity<Request>
  readonly #around: Pick<AdmissionOptions, 'clock' | 'fleet' | 'fleetName'>
  readonly #general: RouteRule
  readonly #onLimited: RateLimitOptions<Request>['onLimited']
  readonly #report: HookErrorReporter

  /** @throws InvalidOptionError when an option makes no sense, or does not exist */
  constructor(reader: RequestReader<Request>, options: RateLimitOptions<Request>) {
    checkOptions('rateLimit', options, RATE_LIMIT_RULES)
    this.#reader = reader
    this.#identity = new ClientIdentity(reader, options)
    this.#around = { clock: options.clock, fleet: options.fleet, fleetName: options.fleetName ?? 'requests' }
    this.#general = { control: new AdmissionControl(options, this.#identity.limits), cost: 1 }
    this.#onLimited = options.onLimited
    this.#report = options.onHookError ?? reportToConsole
  }

  /**
   * The rule of a route, to be made before its first request.
   *
   * @param where the route, for the error: `GET /report`
   * @throws InvalidOptionError for limits that make no sense, and for a cost that can never be paid
   */
  ruleOf(where: string, limit: RouteLimit): RouteRule {
    checkOptions(where, limit, ROUTE_RULES)
    const { cost = 1, ...limits } = limit
    const hasOwn = Object.keys(limits).length > 0
    const around = { ...this.#around, fleetName: `${this.#around.fleetName}:${where}` }
    const control = hasOwn ? new AdmissionControl({ ...limits, ...around }) : this.#general.control
    control.checkCost(`${where}.cost`, cost)
    return { control, cost }
  }

  /** Whether a request is let in: no promise, but in a fleet that must be asked. @throws what `user` of the options throws */
  admit(request: Request, rule: RouteRule = this.#general): Admission | Promise<Admission> {
    const place = this.#identity.of(request)
    const admission = rule.control.decide(place, rule.cost)
    if (this.#onLimited === undefined) return admission
    if (admission instanceof Promise) return admission.then((answer) => this.#told(answer, place.client, request))
    return this.#told(admission, place.client, request)
  }

  /** Whose request it is. @throws what `user` of the options throws */
  clientOf(request: Request): string {
    return this.#identity.of(request).client
  }

  #told(admission: Admission, client: string, request: Request): Admission {
    if (!admission.allowed && this.#onLimited !== undefined) this.#tell(this.#onLimited, client, request)
    return admission
  }

  #tell(onLimited: NonNullable<RateLimitOptions<Request>['onLimited']>, client: string, request: Request): void {
    const failed = (error: unknown): void => this.#report(error, 'onLimited')
    const url = this.#reader.url(request).slice(0, LONGEST_URL)
    try {
      onLimited({ client, method: this.#reader.method(request), url })?.catch(failed)
    } catch (error) {
      failed(error)
    }
  }
}
