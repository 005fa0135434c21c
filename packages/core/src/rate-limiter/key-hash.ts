/** Who a client is: an API key, a user's number, the bytes of an address. */
export type ClientKey = string | number | Uint8Array

/** A key in a form that can be compared; bytes as text that no sensible name has. */
export function nameOfKey(key: ClientKey | undefined): string | number | undefined {
  return typeof key === 'object' ? `bytes:${key.join()}` : key
}

/** What a key is made of is part of its hash: `'7'`, `7` and a byte 7 are three clients. */
const KIND = { latin: 0, wide: 1, number: 2, bytes: 3 } as const

/** How many 32-bit words are absorbed at a time: enough for nearly every key. */
const BLOCK = 64

/** How many rounds end the hash: HalfSipHash-1-3 has one for each word, and three. */
const FINAL_ROUNDS = 3

/**
 * A hash of 63 bits that nobody can aim without the seed: HalfSipHash-1-3 (Aumasson and Bernstein, "SipHash: a fast
 * short-input PRF"), whose 32-bit arithmetic is what JavaScript is quick at. Among a million clients two share a hash with
 * a probability of 10^-7, and nobody can make up a name that has another's.
 */
export class KeyHash {
  /** The hash of the last key: 32 bits, and 31 above a lowest one that is always set, so that it is never 0. */
  low = 0
  high = 0
  readonly #k0: number
  readonly #k1: number
  readonly #words = new Int32Array(BLOCK + 1 + 2 * FINAL_ROUNDS)
  #v0 = 0
  #v1 = 0
  #v2 = 0
  #v3 = 0
  readonly #float = new Float64Array(1)
  readonly #floatWords = new Int32Array(this.#float.buffer)

  /** @param seed two secret numbers of 32 bits */
  constructor(seed: readonly [number, number]) {
    this.#k0 = seed[0] | 0
    this.#k1 = seed[1] | 0
  }

  /** Hashes a key into {@link low} and {@link high}. */
  of(key: ClientKey): void {
    this.#begin()
    if (typeof key === 'string') this.#text(key)
    else if (typeof key === 'number') this.#number(key)
    else this.#bytes(key)
  }

  /** Four characters a word; two, and from the start again, when one does not fit into a byte. */
  #text(key: string): void {
    const words = this.#words
    const { length } = key
    const whole = length & ~3
    let all = 0
    let count = 0
    for (let at = 0; at < whole; at += 4) {
      const a = key.charCodeAt(at)
      const b = key.charCodeAt(at + 1)
      const c = key.charCodeAt(at + 2)
      const d = key.charCodeAt(at + 3)
      all |= a | b | c | d
      words[count++] = a | (b << 8) | (c << 16) | (d << 24)
      if (count === BLOCK) count = this.#absorb(count)
    }
    let rest = 0
    for (let at = length - 1; at >= whole; at--) {
      const code = key.charCodeAt(at)
      all |= code
      rest = (rest << 8) | code
    }
    words[count] = rest
    if (all > 0xff) this.#wideText(key)
    else this.#finish(count + 1, length, KIND.latin)
  }

  #wideText(key: string): void {
    this.#begin()
    const { length } = key
    let count = 0
    for (let at = 0; at < length; at += 2) {
      const second = at + 1 < length ? key.charCodeAt(at + 1) : 0
      this.#words[count++] = key.charCodeAt(at) | (second << 16)
      if (count === BLOCK) count = this.#absorb(count)
    }
    this.#finish(count, length, KIND.wide)
  }

  #number(key: number): void {
    this.#float[0] = key === 0 ? 0 : key
    this.#words.set(this.#floatWords)
    this.#finish(2, 8, KIND.number)
  }

  #bytes(key: Uint8Array): void {
    const { length } = key
    let count = 0
    for (let at = 0; at < length; at += 4) {
      // Beyond the end there is nothing, which counts as 0 here; the length tells keys apart that end in zeros.
      this.#words[count++] =
        (key[at] ?? 0) | ((key[at + 1] ?? 0) << 8) | ((key[at + 2] ?? 0) << 16) | ((key[at + 3] ?? 0) << 24)
      if (count === BLOCK) count = this.#absorb(count)
    }
    this.#finish(count, length, KIND.bytes)
  }

  #begin(): void {
    const k0 = this.#k0
    const k1 = this.#k1
    this.#v0 = k0
    this.#v1 = k1 ^ 0xee
    this.#v2 = k0 ^ 0x6c796765
    this.#v3 = k1 ^ 0x74656462
  }

  #finish(count: number, length: number, kind: number): void {
    const words = this.#words
    words[count] = length * 4 + kind
    // A round without a word is one with the word 0.
    for (let index = count + 1; index <= count + 2 * FINAL_ROUNDS; index++) words[index] = 0
    this.#absorb(count + 1 + 2 * FINAL_ROUNDS, count + 1)
  }

  /**
   * One SipRound for each word.
   *
   * @param end where the rounds begin that end the hash
   * @returns how many words wait: none
   */
  #absorb(count: number, end = count): 0 {
    const words = this.#words
    let v0 = this.#v0
    let v1 = this.#v1
    let v2 = this.#v2
    let v3 = this.#v3
    for (let index = 0; index < count; index++) {
      if (index === end) {
        v2 ^= 0xee
      } else if (index === end + FINAL_ROUNDS) {
        this.low = v1 ^ v3
        v1 ^= 0xdd
      }
      const word = words[index] ?? 0
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    this.#v0 = v0
    this.#v1 = v1
    this.#v2 = v2
    this.#v3 = v3
    this.high = (v1 ^ v3) | 1
    return 0
  }
}
