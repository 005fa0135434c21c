import { seededRandom } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type ClientKey, KeyHash, nameOfKey } from '../../src/rate-limiter/key-hash.ts'

const SEED = [0x03020100, 0x07060504] as const

function hashOf(key: ClientKey, seed: readonly [number, number] = SEED): string {
  const hash = new KeyHash(seed)
  hash.of(key)
  return `${hash.high >>> 0}:${hash.low >>> 0}`
}

/** HalfSipHash-1-3 with a result of 64 bits, word by word as the paper defines it. */
function reference(words: readonly number[], [k0, k1]: readonly [number, number]): string {
  const add = (a: number, b: number): number => Number((BigInt(a) + BigInt(b)) % 0x1_0000_0000n)
  const rotate = (a: number, by: number): number => ((a << by) | (a >>> (32 - by))) >>> 0
  let v = [k0, k1 ^ 0xee, k0 ^ 0x6c796765, k1 ^ 0x74656462].map((word) => word >>> 0)
  const round = (): void => {
    let [a = 0, b = 0, c = 0, d = 0] = v
    a = add(a, b)
    c = add(c, d)
    b = (rotate(b, 5) ^ a) >>> 0
    d = (rotate(d, 8) ^ c) >>> 0
    a = add(rotate(a, 16), d)
    c = add(c, b)
    b = (rotate(b, 13) ^ c) >>> 0
    d = (rotate(d, 7) ^ a) >>> 0
    v = [a, b, rotate(c, 16), d]
  }
  const mix = (index: number, word: number): void => {
    v[index] = ((v[index] ?? 0) ^ word) >>> 0
  }
  const half = (): number => ((v[1] ?? 0) ^ (v[3] ?? 0)) >>> 0
  for (const word of words) {
    mix(3, word)
    round()
    mix(0, word)
  }
  mix(2, 0xee)
  for (let i = 0; i < 3; i++) round()
  const low = half()
  mix(1, 0xdd)
  for (let i = 0; i < 3; i++) round()
  return `${(half() | 1) >>> 0}:${low}`
}

/** Bytes as words of four, then their number and what they are. */
function wordsOf(bytes: readonly number[], length: number, kind: number): number[] {
  const words: number[] = []
  for (let at = 0; at < bytes.length; at += 4) {
    words.push([0, 1, 2, 3].reduce((word, next) => word | ((bytes[at + next] ?? 0) << (8 * next)), 0))
  }
  return [...words, length * 4 + kind]
}

describe('the hash of a client', () => {
  it('is HalfSipHash-1-3 of its bytes and their number', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(hashOf(bytes)).toBe(reference(wordsOf([...bytes], bytes.length, 3), SEED))
      }),
    )
  })

  it('takes a text byte by byte when every character is one, and two bytes a character when one is not', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 600 }), (text) => {
        const codes = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index))
        const wide = codes.some((code) => code > 0xff)
        const bytes = wide ? codes.flatMap((code) => [code & 0xff, code >> 8]) : codes
        // Bytes of a text are padded to whole words, of an empty one to one.
        const padded = bytes.length % 4 === 0 && !wide ? [...bytes, 0, 0, 0, 0] : bytes
        expect(hashOf(text)).toBe(reference(wordsOf(padded, text.length, wide ? 1 : 0), SEED))
      }),
    )
  })

  it('tells kinds and lengths apart', () => {
    const keys: ClientKey[] = ['', '7', '\u0007', '7\0', '\0', '\0\0', 'ÿ', 'Ā', 7, 0, -7, 7.5, Number.NaN]
    keys.push(new Uint8Array(), new Uint8Array([7]), new Uint8Array([7, 0]), new Uint8Array([55]))
    expect(new Set(keys.map((key) => hashOf(key))).size).toBe(keys.length)
    expect(hashOf(0)).toBe(hashOf(-0))
  })

  it('depends on the seed', () => {
    expect(new Set([0, 1, 2, 3].map((k) => hashOf('desk-7', [k, 0]))).size).toBe(4)
    expect(new Set([0, 1, 2, 3].map((k) => hashOf('desk-7', [0, k]))).size).toBe(4)
  })

  it('spreads names that differ little: each bit of it turns for half of them', () => {
    const random = seededRandom(7)
    const seed = [Math.floor(random() * 2 ** 32), Math.floor(random() * 2 ** 32)] as const
    const hash = new KeyHash(seed)
    const names = 8_192
    const set = Array.from({ length: 64 }, () => 0)
    for (let name = 0; name < names; name++) {
      hash.of(`10.0.${name >> 8}.${name & 255}`)
      for (let bit = 0; bit < 32; bit++) {
        set[bit] = (set[bit] ?? 0) + ((hash.low >>> bit) & 1)
        set[32 + bit] = (set[32 + bit] ?? 0) + ((hash.high >>> bit) & 1)
      }
    }
    // Five standard deviations of a fair coin. The lowest of the high bits is always set.
    const most = 5 * Math.sqrt(names / 4)
    for (const [bit, ones] of set.entries()) if (bit !== 32) expect(Math.abs(ones - names / 2)).toBeLessThan(most)
  })

  it('is never 0 in its high half', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const hash = new KeyHash(SEED)
        hash.of(text)
        expect(hash.high & 1).toBe(1)
      }),
    )
  })
})

describe('the name of a key', () => {
  it('is the same for the same bytes in another array', () => {
    expect(nameOfKey(new Uint8Array([10, 0, 0, 7]))).toBe(nameOfKey(new Uint8Array([10, 0, 0, 7])))
    expect(nameOfKey(new Uint8Array([1, 23]))).not.toBe(nameOfKey(new Uint8Array([12, 3])))
    expect([nameOfKey('7'), nameOfKey(7), nameOfKey(undefined)]).toEqual(['7', 7, undefined])
  })
})
