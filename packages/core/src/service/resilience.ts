/** The facade: services by name, from profiles, defaults and overrides. */
import { type Clock, type Random, systemClock, systemRandom } from '../clock.ts'
import { InvalidOptionError } from '../errors.ts'
import { type HookErrorReporter, Listeners, type Logger, reportToConsole, type Unsubscribe } from '../events.ts'
import {
  callback,
  check,
  checkOptions,
  clockRule,
  instance,
  isOptions,
  nameText,
  nearestWord,
  type Rule,
  type Rules,
} from '../options.ts'
import type { ResilienceEvent } from '../pipeline/call-event.ts'
import { deadlinesOf } from '../pipeline/deadlines.ts'
import type { StallSnapshot } from '../pipeline/stall-log.ts'
import { loggerRule } from '../retry/retry-options.ts'
import type { FleetPatterns } from './fleet.ts'
import { PROFILES } from './profiles.ts'
import { Service, type ServiceSnapshot, type ServiceSurroundings } from './service.ts'
import {
  checkServiceOptions,
  mergeSettings,
  SETTINGS_RULES,
  type ServiceOptions,
  type ServiceSettings,
} from './service-settings.ts'
import { settingsInForce } from './setting-origin.ts'

/** The configuration of a platform. */
export interface ResilienceOptions {
  /** More profiles, or fields of the three that are there. */
  readonly profiles?: Readonly<Record<string, ServiceSettings>> | undefined
  /**
   * What holds for every service, over its profile. `profile` here is for services that name none, and with it a service need
   * not be configured. Default: every service is configured and names its profile.
   */
  readonly defaults?: ServiceOptions | undefined
  /** Services by name: a profile, and what differs from it. */
  readonly services?: Readonly<Record<string, ServiceOptions>> | undefined
  /** Shares limits and circuits with other processes: `await connectFleet({ redis })` of `@holdfast/redis`. Default: none. */
  readonly fleet?: FleetPatterns | undefined
  /** Gets records of retries. Any logger with debug, info, warn and error fits. Default: none. */
  readonly logger?: Logger | undefined
  /** Told when a hook, listener or predicate throws. Default: written to the console. */
  readonly onHookError?: HookErrorReporter | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
  /** Source of randomness. Default: the system's. */
  readonly random?: Random | undefined
}

/** The whole platform at one moment, as plain data. */
export interface ResilienceSnapshot {
  /** When, in milliseconds since 1970. */
  readonly at: number
  readonly services: Readonly<Record<string, ServiceSnapshot>>
  /** How often and how long our own event loop stood still while calls were under way. */
  readonly stalls: StallSnapshot
}

const byName: Rule = { allows: isOptions, says: 'it must be an object of settings by name' }

/** The rules that {@link ResilienceOptions} are held to. */
export const RESILIENCE_RULES: Rules<ResilienceOptions> = {
  profiles: byName,
  defaults: { allows: isOptions, says: 'it must be an object of settings' },
  services: byName,
  fleet: instance('a fleet, from connectFleet', 'rateLimiter', 'circuitBreaker'),
  logger: loggerRule,
  onHookError: callback,
  clock: clockRule,
  random: callback,
}

/** Services by name. Made by {@link createResilience}. */
export class Resilience {
  /** What happens in all services: changes of circuits, retries, refusals, timeouts. */
  readonly events: { subscribe(listener: (event: ResilienceEvent) => void): Unsubscribe }
  readonly #profiles: ReadonlyMap<string, ServiceSettings>
  readonly #defaults: ServiceOptions
  readonly #configured: ReadonlyMap<string, ServiceOptions>
  readonly #around: ServiceSurroundings
  readonly #services = new Map<string, Service>()

  constructor(options: ResilienceOptions) {
    checkOptions('resilience', options, RESILIENCE_RULES)
    const report = options.onHookError ?? reportToConsole
    const events = new Listeners<ResilienceEvent>('events listener', report)
    const { clock = systemClock, random = systemRandom, logger, fleet } = options
    this.events = events
    this.#around = { clock, random, logger, report, events, fleet }
    this.#profiles = mergeProfiles(options.profiles ?? {})
    this.#defaults = options.defaults ?? {}
    checkServiceOptions('defaults', this.#defaults)
    this.#configured = new Map(Object.entries(options.services ?? {}))
    if (this.#defaults.profile !== undefined) this.#profileOf('defaults', this.#defaults)
    for (const [name, service] of this.#configured) {
      checkServiceOptions(`services.${name}`, service)
      this.service(name)
    }
  }

  /**
   * The service of that name. The same name gives the same service, so that its failures are counted together.
   *
   * @throws InvalidOptionError when no such service is configured, unless `defaults.profile` says which profile it has then
   */
  service(name: string): Service {
    const known = this.#services.get(name)
    if (known !== undefined) return known
    check('service name', name, nameText)
    const own = this.#configured.get(name) ?? this.#unconfigured(name)
    const { profile, settings } = this.#profileOf(`services.${name}`, own)
    const merged = mergeSettings(mergeSettings(settings, this.#defaults), own)
    const inForce = settingsInForce([
      ['profile', settings],
      ['defaults', this.#defaults],
      ['service', own],
    ])
    const service = new Service(name, { ...merged, profile }, inForce, this.#around)
    this.#services.set(name, service)
    return service
  }

  /** The services that there are, in the order in which they were made. */
  get services(): readonly Service[] {
    return [...this.#services.values()]
  }

  /** Everything there is to see, as plain data. */
  snapshot(): ResilienceSnapshot {
    const services = [...this.#services].map(([name, service]) => [name, service.snapshot()] as const)
    const { clock } = this.#around
    const stalls = deadlinesOf(clock).stalls.snapshot()
    return { at: clock.wallTime(), services: Object.fromEntries(services), stalls }
  }

  #profileOf(path: string, own: ServiceOptions): { profile: string; settings: ServiceSettings } {
    const profile = own.profile ?? this.#defaults.profile
    const settings = profile === undefined ? undefined : this.#profiles.get(profile)
    if (profile !== undefined && settings !== undefined) return { profile, settings }
    const known = [...this.#profiles.keys()].join(', ')
    const complaint =
      profile === undefined ? 'a service needs a profile, its own or defaults.profile' : 'there is no such profile'
    throw new InvalidOptionError(`${path}.profile`, profile, `${complaint}; known are ${known}`)
  }

  /** Settings of a service that is not in the configuration: none of its own, and only where somebody chose a profile. */
  #unconfigured(name: string): ServiceOptions {
    if (this.#defaults.profile !== undefined) return {}
    const names = [...this.#configured.keys()]
    const nearest = nearestWord(name, names)
    const guess = nearest === undefined ? `configured are ${names.join(', ') || 'none'}.` : `did you mean ${nearest}?`
    const help = 'Add it to services with a profile, or set defaults.profile for all that are not there'
    throw new InvalidOptionError('service name', name, `no such service is configured; ${guess} ${help}`)
  }
}

function mergeProfiles(own: Readonly<Record<string, ServiceSettings>>): ReadonlyMap<string, ServiceSettings> {
  const profiles = new Map<string, ServiceSettings>(Object.entries(PROFILES))
  for (const [name, settings] of Object.entries(own)) {
    checkOptions(`profiles.${name}`, settings, SETTINGS_RULES)
    checkServiceOptions(`profiles.${name}`, settings)
    profiles.set(name, mergeSettings(profiles.get(name) ?? {}, settings))
  }
  return profiles
}

/**
 * Services for a whole platform: each starts from a profile, `defaults` lie over all profiles, and a service's own
 * settings over both, field by field.
 *
 * @throws InvalidOptionError that names the path (`services.alpaca.retry.maxRetries`), the value and the rule
 * @example
 * const resilience = createResilience({ services: { alpaca: { profile: 'BROKER', circuitBreaker: { failureThreshold: 3 } } } })
 * const account = await resilience.service('alpaca').execute(() => client.getAccount())
 */
export function createResilience(options: ResilienceOptions = {}): Resilience {
  return new Resilience(options)
}
