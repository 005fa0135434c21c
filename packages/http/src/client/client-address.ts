/** Who a connection comes from, as far as that can be known. */
import { InvalidOptionError } from 'holdfast'
import { checkOptions, type Rules } from 'holdfast/options'
import { type AddressRange, maskedGroups, parseRange } from './address-range.ts'
import { formatIpv4, type IpAddress, parseAddress } from './ip-address.ts'

/** The most proxies that can stand in a row. */
const MOST_PROXIES = 32

/** Which proxies are ours: how many stand in front, or the addresses that they have (single ones, or ranges as CIDR). */
export type TrustProxy = number | readonly string[]

/** How addresses are found and compared. */
export interface ClientAddressOptions {
  /**
   * Our own proxies; only what they wrote into `X-Forwarded-For` is believed. A list of their addresses also holds when
   * somebody comes round them; a number does not: with it nobody but the proxies may be able to connect. Default 0.
   */
  readonly trustProxy?: TrustProxy | undefined
  /** How many bits of an IPv6 address are one client's, from 16 to 128. Default 64: what one customer is given. */
  readonly ipv6PrefixBits?: number | undefined
}

/** The rules that {@link ClientAddressOptions} are held to. */
export const CLIENT_ADDRESS_RULES: Rules<ClientAddressOptions> = {
  trustProxy: {
    allows: (value) => isHops(value) || Array.isArray(value),
    says: `it must be the number of proxies that stand in front, from 0 to ${MOST_PROXIES}, or a list of their addresses`,
  },
  ipv6PrefixBits: {
    allows: (value) => typeof value === 'number' && Number.isInteger(value) && value >= 16 && value <= 128,
    says: 'it must be a whole number from 16 to 128',
  },
}

/** The name of all whose address nobody knows. */
const UNKNOWN = 'unknown'

/** How much of a header is looked at, from its end: what lies further left no proxy of ours can have written. */
const LONGEST_HEADER = 8_192

/**
 * Finds the address of a client, made comparable: the socket's, or the one that our outermost proxy saw. What a client has
 * written into the header itself stands further left and is never looked at.
 *
 * @example
 * const addresses = new ClientAddresses({ trustProxy: ['10.0.0.0/8'] })
 * addresses.of('10.0.0.7', '203.0.113.9, 198.51.100.4') // '198.51.100.4'
 */
export class ClientAddresses {
  readonly #hops: number
  readonly #ranges: readonly AddressRange[] | undefined
  readonly #ipv6PrefixBits: number

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: ClientAddressOptions = {}) {
    const { trustProxy = 0, ipv6PrefixBits = 64 } = options
    checkOptions('rateLimit', { trustProxy, ipv6PrefixBits }, CLIENT_ADDRESS_RULES)
    this.#ipv6PrefixBits = ipv6PrefixBits
    this.#hops = typeof trustProxy === 'number' ? trustProxy : 0
    this.#ranges = typeof trustProxy === 'number' ? undefined : trustProxy.map(rangeOf)
  }

  /** Whether `X-Forwarded-For` is looked at. */
  get believesHeader(): boolean {
    return this.#hops > 0 || this.#ranges !== undefined
  }

  /**
   * @param socketAddress the address at the other end of the socket
   * @param forwardedFor the header `X-Forwarded-For`, as it came
   * @returns an IPv4 address as it is, an IPv6 address by its prefix, or `unknown`
   */
  of(socketAddress: string | undefined, forwardedFor?: string | undefined): string {
    if (forwardedFor !== undefined && this.believesHeader) {
      const seen = this.#ranges === undefined ? this.#byHops(forwardedFor) : this.#byRanges(socketAddress, forwardedFor)
      if (seen !== undefined) return this.#comparable(seen)
    }
    if (socketAddress === undefined) return UNKNOWN
    // A runtime writes IPv4 in one way only: nothing to read.
    if (!socketAddress.includes(':')) return socketAddress
    const address = parseAddress(socketAddress)
    return address === undefined ? UNKNOWN : this.#comparable(address)
  }

  #byHops(forwardedFor: string): IpAddress | undefined {
    const entries = entriesOf(forwardedFor)
    return parseAddress(entries[Math.max(0, entries.length - this.#hops)] ?? '')
  }

  /** From the socket leftwards, as far as the proxies are ours; the first stranger is the client. */
  #byRanges(socketAddress: string | undefined, forwardedFor: string): IpAddress | undefined {
    let seen = socketAddress === undefined ? undefined : parseAddress(socketAddress)
    const entries = entriesOf(forwardedFor)
    for (let hop = 0; hop < MOST_PROXIES && seen !== undefined && this.#isOurs(seen); hop++) {
      const next = parseAddress(entries.pop() ?? '')
      if (next === undefined) break
      seen = next
    }
    return seen
  }

  #isOurs(address: IpAddress): boolean {
    return this.#ranges?.some((contains) => contains(address)) === true
  }

  #comparable(address: IpAddress): string {
    if (address.version === 4) return formatIpv4(address.value)
    const bits = this.#ipv6PrefixBits
    const groups = maskedGroups(address.groups, bits).slice(0, Math.ceil(bits / 16))
    const text = groups.map((group) => group.toString(16)).join(':')
    return `${text}${groups.length < 8 ? '::' : ''}/${bits}`
  }
}

function entriesOf(forwardedFor: string): string[] {
  return forwardedFor.slice(-LONGEST_HEADER).split(',')
}

function isHops(value: unknown): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MOST_PROXIES
}

function rangeOf(text: unknown, index: number): AddressRange {
  const range = typeof text === 'string' ? parseRange(text) : undefined
  if (range !== undefined) return range
  const rule = 'it must be an address, or a range such as 10.0.0.0/8 or 2001:db8::/32'
  throw new InvalidOptionError(`rateLimit.trustProxy[${index}]`, text, rule)
}
