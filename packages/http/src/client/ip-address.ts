/** IP addresses as numbers, read by the rules of RFC 4291 and RFC 6943, on any runtime. */

/** An address: one number for IPv4 (also where it came wrapped in IPv6), eight groups for IPv6. */
export type IpAddress =
  | { readonly version: 4; readonly value: number }
  | { readonly version: 6; readonly groups: readonly number[] }

/** The longest text of an address with its zone and port that is looked at; the longest real one has 69 characters. */
const LONGEST_TEXT = 100

/** Reads an address, without its port, brackets and zone if it has them. @returns undefined for everything else */
export function parseAddress(text: string): IpAddress | undefined {
  if (text.length > LONGEST_TEXT) return undefined
  const bare = withoutPort(text.trim())
  if (!bare.includes(':')) {
    const value = parseIpv4(bare)
    return value === undefined ? undefined : { version: 4, value }
  }
  const zone = bare.indexOf('%')
  const groups = parseIpv6(zone < 0 ? bare : bare.slice(0, zone))
  if (groups === undefined) return undefined
  const [g0, g1, g2, g3, g4, g5, high = 0, low = 0] = groups
  const wrapped = g0 === 0 && g1 === 0 && g2 === 0 && g3 === 0 && g4 === 0 && g5 === 0xffff
  return wrapped ? { version: 4, value: high * 65_536 + low } : { version: 6, groups }
}

/** `a.b.c.d` as a number below 2^32; leading zeros are refused, because some read them as octal. */
export function parseIpv4(text: string): number | undefined {
  const parts = text.split('.', 5)
  if (parts.length !== 4) return undefined
  let value = 0
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined
    const byte = Number(part)
    if (byte > 255) return undefined
    value = value * 256 + byte
  }
  return value
}

/** `a.b.c.d` of such a number. */
export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

function parseIpv6(text: string): number[] | undefined {
  const halves = text.split('::', 3)
  if (halves.length > 2) return undefined
  const [head = '', tail] = halves
  const left = parseGroups(head, tail === undefined)
  const right = tail === undefined ? [] : parseGroups(tail, true)
  if (left === undefined || right === undefined) return undefined
  const missing = 8 - left.length - right.length
  if (tail === undefined) return missing === 0 ? left : undefined
  return missing < 1 ? undefined : [...left, ...new Array<number>(missing).fill(0), ...right]
}

/** Groups between colons; the last may be an IPv4 address where the whole address ends. */
function parseGroups(text: string, atEnd: boolean): number[] | undefined {
  if (text === '') return []
  const parts = text.split(':', 9)
  const groups: number[] = []
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const dotted = atEnd && index === parts.length - 1 ? parseIpv4(part) : undefined
    if (dotted === undefined) return undefined
    groups.push(dotted >>> 16, dotted & 0xffff)
  }
  return groups
}

function withoutPort(text: string): string {
  if (text.startsWith('[')) {
    const end = text.indexOf(']')
    return end > 0 && /^(:\d{1,5})?$/.test(text.slice(end + 1)) ? text.slice(1, end) : text
  }
  const colon = text.indexOf(':')
  const onlyOne = colon >= 0 && text.indexOf(':', colon + 1) < 0
  return onlyOne && /^\d{1,5}$/.test(text.slice(colon + 1)) ? text.slice(0, colon) : text
}
