import type { ClientPlace, RateLimit } from 'holdfast'
import { callback, isOptions, type Rules } from 'holdfast/options'
import { CLIENT_ADDRESS_RULES, ClientAddresses, type ClientAddressOptions } from './client-address.ts'
import { clientKey } from './client-key.ts'
import { Seat } from './seat.ts'

/** How clients are told apart. */
export interface ClientOptions<Request> extends ClientAddressOptions {
  /**
   * The API keys that were given out, each with its own limit or `true` for the one that every client has; or a function
   * that knows them. A key that is not among them does not count: who makes keys up is still his address. Default: none.
   */
  readonly apiKeys?: Readonly<Record<string, RateLimit | true>> | ((apiKey: string) => boolean) | undefined
  /** The header that carries the API key. Default `x-api-key`. */
  readonly apiKeyHeader?: string | undefined
  /**
   * The application's own name for the client: its user, its tenant. Where it returns undefined, and by default, the
   * address tells. What it throws is the request's error.
   */
  readonly user?: ((request: Request) => string | undefined) | undefined
}

/** The rules that {@link ClientOptions} are held to. */
export const CLIENT_RULES: Rules<ClientOptions<never>> = {
  apiKeys: {
    allows: (value) => typeof value === 'function' || isOptions(value),
    says: 'it must be an object of limits by key, or a function that knows the keys',
  },
  apiKeyHeader: {
    allows: (value) => typeof value === 'string' && /^[A-Za-z0-9-]{1,100}$/.test(value),
    says: 'it must be the name of a header',
  },
  user: callback,
  ...CLIENT_ADDRESS_RULES,
}

/** Where a connection keeps the seat of its client: a WeakMap would have to be asked by hash. */
const SEAT: unique symbol = Symbol('holdfast.seat')

interface Seated {
  [SEAT]?: Seat
}

/** How a framework's request is read. */
export interface RequestReader<Request> {
  method(request: Request): string
  /** Path and query, as the client sent them. */
  url(request: Request): string
  /** A header by its name in small letters; several of one name joined by commas. */
  header(request: Request, name: string): string | undefined
  /** The address at the other end of the socket; undefined where nobody can tell. */
  address(request: Request): string | undefined
  /** The same object for all requests that come over one connection; undefined where there is none. */
  connection(request: Request): object | undefined
}

/** Tells whose tokens a request takes: those of a known API key, else of the user, else of the address. */
export class ClientIdentity<Request> {
  readonly #reader: RequestReader<Request>
  readonly #addresses: ClientAddresses
  readonly #believesHeader: boolean
  readonly #limits = new Map<string, RateLimit>()
  readonly #isKnown: ((apiKey: string) => boolean) | undefined
  readonly #apiKeyHeader: string
  readonly #user: ((request: Request) => string | undefined) | undefined
  /** Of requests of which nobody can tell the connection. */
  readonly #passing = new Seat(this)

  /** @param options checked by {@link CLIENT_RULES} */
  constructor(reader: RequestReader<Request>, options: ClientOptions<Request>) {
    const { apiKeys, apiKeyHeader = 'x-api-key', user } = options
    this.#reader = reader
    this.#addresses = new ClientAddresses(options)
    this.#believesHeader = this.#addresses.believesHeader
    this.#apiKeyHeader = apiKeyHeader.toLowerCase()
    this.#user = user
    if (apiKeys === undefined) return
    const known = new Map(typeof apiKeys === 'function' ? [] : Object.entries(apiKeys))
    this.#isKnown = typeof apiKeys === 'function' ? apiKeys : (apiKey) => known.has(apiKey)
    for (const [apiKey, limit] of known) if (limit !== true) this.#limits.set(clientKey('key', apiKey), limit)
  }

  /** The limits of API keys that have their own, by client key. */
  get limits(): ReadonlyMap<string, RateLimit> {
    return this.#limits
  }

  /** The client of a request, by its client key. */
  of(request: Request): ClientPlace<string> {
    const seat = this.#seatOf(this.#reader.connection(request))
    const apiKey = this.#knownKey(request)
    if (apiKey !== undefined) return byName(seat, 'key', apiKey)
    const user = this.#user?.(request)
    return user === undefined || user === '' ? this.#byAddress(seat, request) : byName(seat, 'user', user)
  }

  #seatOf(connection: Seated | undefined): Seat {
    if (connection === undefined) return this.#passing
    const seat = connection[SEAT]
    if (seat?.owner === this) return seat
    connection[SEAT] = new Seat(this)
    return connection[SEAT]
  }

  #knownKey(request: Request): string | undefined {
    if (this.#isKnown === undefined) return undefined
    const apiKey = this.#reader.header(request, this.#apiKeyHeader)
    return apiKey !== undefined && apiKey !== '' && this.#isKnown(apiKey) ? apiKey : undefined
  }

  #byAddress(seat: Seat, request: Request): ClientPlace<string> {
    const address = this.#reader.address(request)
    const forwardedFor = this.#believesHeader ? this.#reader.header(request, 'x-forwarded-for') : undefined
    return (
      seat.placeOf('address', address, forwardedFor) ??
      seat.take(`address:${this.#addresses.of(address, forwardedFor)}`, 'address', address, forwardedFor)
    )
  }
}

function byName(seat: Seat, kind: 'key' | 'user', name: string): ClientPlace<string> {
  return seat.placeOf(kind, name) ?? seat.take(clientKey(kind, name), kind, name)
}
