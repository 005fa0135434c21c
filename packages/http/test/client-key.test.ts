import { clientKeyOf } from '@holdfast/http'
import { describe, expect, it } from 'vitest'

const address = '192.0.2.7'

describe('whose tokens a request takes', () => {
  it("are the user's, else the API key's, else the address's", () => {
    expect(clientKeyOf({ user: 'ada', apiKey: 'k-1', address })).toBe('user:ada')
    expect(clientKeyOf({ apiKey: 'k-1', address })).toBe('key:k-1')
    expect(clientKeyOf({ address })).toBe('address:192.0.2.7')
  })

  it('are not those of an empty name', () => {
    expect(clientKeyOf({ user: '', apiKey: '', address })).toBe('address:192.0.2.7')
  })

  it('cannot be had by a key that looks like an address or a user', () => {
    const keys = [
      clientKeyOf({ apiKey: `address:${address}`, address: '192.0.2.8' }),
      clientKeyOf({ apiKey: 'user:ada', address }),
    ]
    expect(keys).toEqual(['key:address:192.0.2.7', 'key:user:ada'])
  })

  it('are told apart however long the keys are, in at most 72 characters', () => {
    const [a, b] = ['a', 'b'].map((end) => clientKeyOf({ apiKey: `${'x'.repeat(65_536)}${end}`, address }))
    expect(a).not.toBe(b)
    expect(a?.length).toBeLessThanOrEqual(72)
    expect(clientKeyOf({ apiKey: 'x'.repeat(64), address })).toBe(`key:${'x'.repeat(64)}`)
  })
})
