import { clientKey } from '@holdfast/http'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

describe('the key of a client', () => {
  it('says what kind of name it is', () => {
    expect(clientKey('key', 'desk-7')).toBe('key:desk-7')
    expect(clientKey('user', 'key:desk-7')).toBe('user:key:desk-7')
  })

  it('is the name itself up to 64 characters', () => {
    expect(clientKey('key', 'x'.repeat(64))).toBe(`key:${'x'.repeat(64)}`)
  })

  it('has at most 72 characters, however long the name', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 65, maxLength: 2_000 }), (name) => {
        expect(clientKey('user', name).length).toBeLessThanOrEqual(72)
      }),
    )
  })

  it('tells long names apart that differ in one character, wherever it stands', () => {
    const name = 'x'.repeat(1_000)
    const keys = new Set<string>()
    for (let at = 0; at < 1_000; at++) {
      for (const other of 'yz') keys.add(clientKey('key', `${name.slice(0, at)}${other}${name.slice(at + 1)}`))
    }
    expect(keys.size).toBe(2_000)
  })

  it('tells 100,000 long names apart, and is the same for the same', () => {
    const name = (index: number) => `Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.${'a'.repeat(200)}.${index}`
    const keys = new Set(Array.from({ length: 100_000 }, (_, index) => clientKey('key', name(index))))
    expect(keys.size).toBe(100_000)
    expect(keys.has(clientKey('key', name(77)))).toBe(true)
  })
})
