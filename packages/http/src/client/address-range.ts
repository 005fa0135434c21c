import { type IpAddress, parseAddress } from './ip-address.ts'

/** Whether an address lies in a range. */
export type AddressRange = (address: IpAddress) => boolean

/**
 * Reads a range in CIDR notation, `10.0.0.0/8` or `2001:db8::/32`, or a single address.
 *
 * @returns undefined for everything else
 */
export function parseRange(text: string): AddressRange | undefined {
  const [base = '', length, ...more] = text.trim().split('/', 3)
  const network = parseAddress(base)
  if (network === undefined || more.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length))) return undefined
  // What stands in brackets or carries a port or a zone is an address of somebody, but no network.
  if (/[[\]%]/.test(base) || (network.version === 4 && base.includes(':'))) return undefined
  const most = network.version === 4 ? 32 : 128
  const bits = length === undefined ? most : Number(length)
  if (bits > most) return undefined
  if (network.version === 6) {
    const wanted = maskedGroups(network.groups, bits)
    return (address) =>
      address.version === 6 && maskedGroups(address.groups, bits).every((group, index) => group === wanted[index])
  }
  const size = 2 ** (32 - bits)
  const wanted = Math.floor(network.value / size)
  return (address) => address.version === 4 && Math.floor(address.value / size) === wanted
}

/** The groups of an IPv6 address of which only the first bits are kept. */
export function maskedGroups(groups: readonly number[], bits: number): number[] {
  return groups.map((group, index) => {
    const kept = Math.min(16, Math.max(0, bits - index * 16))
    return group & (0xffff << (16 - kept)) & 0xffff
  })
}
