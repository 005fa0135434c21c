/** Who a connection comes from, as far as that can be known. */
import { isIP, isIPv4 } from 'node:net'

/** What a request says about where it comes from. */
export interface AddressFacts {
  /** The address at the other end of the socket. */
  readonly socketAddress: string | undefined
  /** The header `X-Forwarded-For`, as it came. */
  readonly forwardedFor: string | undefined
  /** How many proxies of ours stand in front. 0 believes no header. */
  readonly trustedHops: number
}

/**
 * The client's address, made comparable: the socket's, or the one that our outermost proxy saw. What a client has written
 * into the header itself stands further left and is never looked at.
 */
export function clientAddress({ socketAddress, forwardedFor, trustedHops }: AddressFacts): string {
  const forwarded = trustedHops === 0 || forwardedFor === undefined ? [] : forwardedFor.slice(-8_192).split(',')
  const seen = forwarded.length === 0 ? undefined : forwarded[Math.max(0, forwarded.length - trustedHops)]
  return comparableAddress(seen) ?? comparableAddress(socketAddress) ?? 'unknown'
}

/** An IPv4 address as it is, one that is wrapped in IPv6 unwrapped, an IPv6 address by its /64, which is one customer's. */
export function comparableAddress(text: string | undefined): string | undefined {
  const address = withoutPort(text?.trim() ?? '')
  if (isIPv4(address)) return address
  if (isIP(address) !== 6) return undefined
  const groups = groupsOf(address.split('%')[0] ?? '')
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff
  if (mapped) return [groups[6] ?? 0, groups[7] ?? 0].flatMap((group) => [group >> 8, group & 255]).join('.')
  return `${groups
    .slice(0, 4)
    .map((group) => group.toString(16))
    .join(':')}::/64`
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(text)
  if (bracketed !== null) return bracketed[1] ?? ''
  return /^\d+\.\d+\.\d+\.\d+:\d+$/.test(text) ? (text.split(':')[0] ?? '') : text
}

/** The eight groups of a valid IPv6 address. */
function groupsOf(address: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(address)
  if (dotted !== null) {
    const [, head = '', ...bytes] = dotted
    const [a = 0, b = 0, c = 0, d = 0] = bytes.map(Number)
    return groupsOf(`${head}${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`)
  }
  const [head = '', tail] = address.split('::')
  const parse = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16))
  const left = parse(head)
  const right = tail === undefined ? [] : parse(tail)
  return [...left, ...new Array<number>(8 - left.length - right.length).fill(0), ...right]
}
