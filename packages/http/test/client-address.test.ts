import { clientAddress, comparableAddress } from '@holdfast/http'
import { describe, expect, it } from 'vitest'

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
    expect(comparableAddress(text)).toBe(expected)
  })

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:8080', '2001:db8:1:2::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['fe80::2%wlan1', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
  ])('%s is one of the customer %s', (text, expected) => {
    expect(comparableAddress(text)).toBe(expected)
  })

  it.each([[undefined], [''], ['unknown'], ['_hidden'], ['300.1.1.1'], ['192.0.2.7, 192.0.2.8'], [':::'], ['[::1']])(
    '%s is no address',
    (text) => {
      expect(comparableAddress(text)).toBeUndefined()
    },
  )
})

describe('the address of a client', () => {
  const forwardedFor = '203.0.113.66, 198.51.100.1, 198.51.100.2'

  it.each([
    [0, '192.0.2.7'],
    [1, '198.51.100.2'],
    [2, '198.51.100.1'],
    [3, '203.0.113.66'],
    [9, '203.0.113.66'],
  ])('behind %i trusted proxies is the one that the outermost of them saw: %s', (trustedHops, expected) => {
    expect(clientAddress({ socketAddress: '192.0.2.7', forwardedFor, trustedHops })).toBe(expected)
  })

  it("is the socket's when the trusted proxy wrote nothing, or nonsense", () => {
    expect(clientAddress({ socketAddress: '192.0.2.7', forwardedFor: undefined, trustedHops: 1 })).toBe('192.0.2.7')
    expect(clientAddress({ socketAddress: '192.0.2.7', forwardedFor: 'for=x', trustedHops: 1 })).toBe('192.0.2.7')
  })

  it('is found at the end of a header of any length', () => {
    const long = `${'203.0.113.66, '.repeat(100_000)}198.51.100.2`
    expect(clientAddress({ socketAddress: '192.0.2.7', forwardedFor: long, trustedHops: 1 })).toBe('198.51.100.2')
  })

  it('is the same unknown for all whose socket has gone', () => {
    expect(clientAddress({ socketAddress: undefined, forwardedFor: undefined, trustedHops: 0 })).toBe('unknown')
  })
})
