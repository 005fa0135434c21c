import { check, isOptions, type Rule } from 'holdfast/options'
import type { RequestReader } from '../client/client-identity.ts'
import type { Admission } from './admission-control.ts'
import { type RateLimitOptions, RequestLimits, type RouteLimit, type RouteRule } from './request-limits.ts'
import { RouteTable } from './route-table.ts'

/** Options where the framework cannot tell the route before it runs. */
export interface RoutedLimitOptions<Request> extends RateLimitOptions<Request> {
  /**
   * What requests of single routes cost, limits of their own, and `false` for those that are exempt, by method and path:
   * `{ '/healthz': false, 'GET /report': { cost: 5 }, 'POST /orders/:id': { perClient: { tokensPerSecond: 1 } } }`.
   */
  readonly routes?: Readonly<Record<string, RouteLimit | false>> | undefined
}

const ROUTES_RULE: Rule = { allows: isOptions, says: 'it must be an object of rules by route' }

/** {@link RequestLimits} that find the rule of a route themselves. */
export class RoutedLimits<Request> {
  readonly #reader: RequestReader<Request>
  readonly #limits: RequestLimits<Request>
  readonly #table: RouteTable<RouteRule | false>

  /** @throws InvalidOptionError when an option makes no sense, or does not exist */
  constructor(reader: RequestReader<Request>, { routes = {}, ...options }: RoutedLimitOptions<Request>) {
    check('rateLimit.routes', routes, ROUTES_RULE)
    this.#reader = reader
    this.#limits = new RequestLimits(reader, options)
    const rules = Object.entries(routes).map(([route, limit]): [string, RouteRule | false] => [
      route,
      limit === false ? false : this.#limits.ruleOf(`rateLimit.routes["${route}"]`, limit),
    ])
    this.#table = new RouteTable('rateLimit.routes', Object.fromEntries(rules))
  }

  /** Whether a request is let in: a promise in a fleet that must be asked; undefined when its route is exempt. @throws what `user` of the options throws */
  admit(request: Request): Admission | Promise<Admission> | undefined {
    if (this.#table.isEmpty) return this.#limits.admit(request)
    const found = this.#table.find(this.#reader.method(request), this.#reader.url(request))
    if (found === undefined) return this.#limits.admit(request)
    const { rule, exactly } = found
    if (rule !== false) return this.#limits.admit(request, rule)
    // Another way to write an exempt path may lead somewhere else.
    return exactly ? undefined : this.#limits.admit(request)
  }
}
