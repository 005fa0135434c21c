import { isIPv4, isIPv6 } from 'node:net'
import { ClientAddresses, type TrustProxy } from '@holdfast/http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/client/ip-address.ts'

/** The name under which a socket's address is counted. */
const counted = (address: string, ipv6PrefixBits?: number) => new ClientAddresses({ ipv6PrefixBits }).of(address)

/** The name of an address that a proxy wrote. */
const forwarded = (address: string) => new ClientAddresses({ trustProxy: 1 }).of('192.0.2.99', address)

describe('an address, made comparable', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    [' 192.0.2.7 ', '192.0.2.7'],
    ['192.0.2.7:51234', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['[::ffff:192.0.2.7]:443', '192.0.2.7'],
    ['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
  ])('%s is the IPv4 address %s', (text, expected) => {
    expect(forwarded(text)).toBe(expected)
  })

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:8080', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%wlan1', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
  ])('%s is one of the customer %s', (text, expected) => {
    expect(forwarded(text)).toBe(expected)
    if (!text.startsWith('[')) expect(counted(text)).toBe(expected)
  })

  it.each([
    [48, '2001:db8:1::/48'],
    [56, '2001:db8:1:f00::/56'],
    [128, '2001:db8:1:f0f:a:b:c:d/128'],
    [16, '2001::/16'],
  ])('of IPv6 by %i bits is %s', (bits, expected) => {
    expect(counted('2001:db8:1:f0f:a:b:c:d', bits)).toBe(expected)
  })

  it.each([
    '',
    'unknown',
    '_hidden',
    '300.1.1.1',
    '01.2.3.4',
    '1.2.3',
    '1.2.3.4.5',
    '192.0.2.7, 192.0.2.8',
    ':::',
    '1::2::3',
    '[::1',
    '[::1]x',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    '1.2.3.4::',
    `${'1'.repeat(5_000)}`,
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined()
  })

  it('is read as the runtime reads it, whatever the text', () => {
    const part = fc.constantFrom('', '0', '1', 'ffff', '12', ':', '::', '.', '255', '256', '1.2.3.4', 'g', '%e')
    const text = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''))
    const address = fc.oneof(text, fc.ipV4(), fc.ipV6())
    fc.assert(
      fc.property(address, (candidate) => {
        // A port or a zone is no part of an address for Node.
        fc.pre(!/%/.test(candidate) && !/^[^:]*:\d{1,5}$/.test(candidate))
        expect(parseAddress(candidate) !== undefined).toBe(isIPv4(candidate) || isIPv6(candidate))
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('the address of a client', () => {
  const forwardedFor = '203.0.113.66, 198.51.100.1, 198.51.100.2'
  const seen = (trustProxy: TrustProxy, header = forwardedFor, socket: string | undefined = '192.0.2.7') =>
    new ClientAddresses({ trustProxy }).of(socket, header)

  it.each([
    [0, '192.0.2.7'],
    [1, '198.51.100.2'],
    [2, '198.51.100.1'],
    [3, '203.0.113.66'],
    [9, '203.0.113.66'],
  ])('behind %i trusted proxies is the one that the outermost of them saw: %s', (trustProxy, expected) => {
    expect(seen(trustProxy)).toBe(expected)
  })

  it.each<[string, TrustProxy, string]>([
    ['the socket, if that is no proxy', ['10.0.0.0/8'], '192.0.2.7'],
    ['what the one proxy saw', ['192.0.2.0/24'], '198.51.100.2'],
    ['what the outermost of two saw', ['192.0.2.7', '198.51.100.2'], '198.51.100.1'],
    ['the leftmost, if all are ours', ['192.0.2.7', '198.51.100.0/24', '203.0.113.0/24'], '203.0.113.66'],
    ['what a proxy with another address of ours wrote, but no further', ['192.0.2.7', '203.0.113.66'], '198.51.100.2'],
  ])('behind proxies known by address is %s', (_what, trustProxy, expected) => {
    expect(seen(trustProxy)).toBe(expected)
  })

  it('behind proxies of IPv6, and of IPv4 in its clothes', () => {
    expect(seen(['2001:db8::/32'], '198.51.100.2', '2001:db8:ffff::1')).toBe('198.51.100.2')
    expect(seen(['2001:db8::/32'], '198.51.100.2', '2001:db9::1')).toBe('2001:db9:0:0::/64')
    expect(seen(['10.0.0.0/8'], '198.51.100.2', '::ffff:10.1.2.3')).toBe('198.51.100.2')
    expect(seen(['0.0.0.0/0'], '198.51.100.2', '2001:db8::1')).toBe('2001:db8:0:0::/64')
  })

  it("is the socket's when the trusted proxy wrote nothing, or nonsense", () => {
    const addresses = new ClientAddresses({ trustProxy: 1 })
    expect(addresses.of('192.0.2.7', undefined)).toBe('192.0.2.7')
    expect(addresses.of('192.0.2.7', 'for=x')).toBe('192.0.2.7')
    expect(seen(['192.0.2.7'], 'for=x')).toBe('192.0.2.7')
  })

  it('is found at the end of a header of any length', () => {
    const long = `${'203.0.113.66, '.repeat(100_000)}198.51.100.2`
    expect(seen(1, long)).toBe('198.51.100.2')
    expect(seen(['192.0.2.7', '203.0.113.66'], `${long}, 203.0.113.66`)).toBe('198.51.100.2')
  })

  it('is the same unknown for all whose socket nobody knows', () => {
    expect(new ClientAddresses().of(undefined)).toBe('unknown')
    expect(new ClientAddresses({ trustProxy: ['0.0.0.0/0'] }).of(undefined, forwardedFor)).toBe('unknown')
    expect(counted('not:an:address')).toBe('unknown')
  })
})

describe('what makes no sense', () => {
  it.each([
    [{ trustProxy: -1 }, 'rateLimit.trustProxy'],
    [{ trustProxy: 1.5 }, 'rateLimit.trustProxy'],
    [{ trustProxy: 33 }, 'rateLimit.trustProxy'],
    [{ trustProxy: ['10.0.0.0/8', 'proxy.internal'] }, 'rateLimit.trustProxy[1]'],
    [{ trustProxy: ['10.0.0.0/33'] }, 'rateLimit.trustProxy[0]'],
    [{ trustProxy: ['2001:db8::/129'] }, 'rateLimit.trustProxy[0]'],
    [{ trustProxy: ['10.0.0.0/'] }, 'rateLimit.trustProxy[0]'],
    [{ trustProxy: ['10.0.0.1:80'] }, 'rateLimit.trustProxy[0]'],
    [{ trustProxy: ['fe80::1%eth0'] }, 'rateLimit.trustProxy[0]'],
    [{ ipv6PrefixBits: 8 }, 'rateLimit.ipv6PrefixBits'],
    [{ ipv6PrefixBits: 64.5 }, 'rateLimit.ipv6PrefixBits'],
    [{ ipv6PrefixBits: 129 }, 'rateLimit.ipv6PrefixBits'],
  ])('%j is an error that names %s', (options, field) => {
    expect(() => new ClientAddresses(options)).toThrowError(expect.objectContaining({ field }))
  })
})
