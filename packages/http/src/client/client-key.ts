/** Longer names are shortened, so that nobody fills the memory with them. */
const LONGEST_NAME = 64

/**
 * Whose tokens a request takes, as one text of at most 72 characters: a key cannot be taken for a user or an address.
 *
 * @example
 * clientKey('key', 'desk-7') // 'key:desk-7'
 */
export function clientKey(kind: 'key' | 'user', name: string): string {
  return `${kind}:${name.length <= LONGEST_NAME ? name : digest(name)}`
}

/** Odd multipliers without a common factor, one for each of the four sums. */
const MULTIPLIERS = [0x01000193, 0x85ebca6b, 0xc2b2ae35, 0x27d4eb2f] as const

/**
 * 128 bits of a long name, the same in every process and on every runtime. Four sums in the manner of FNV-1a: they tell
 * names apart and hide nothing. Who wants to draw on another's limit would have to know that one's key, and could use it.
 */
function digest(name: string): string {
  return MULTIPLIERS.map((multiplier, index) => {
    let sum = 0x811c9dc5 + index
    for (let at = 0; at < name.length; at++) sum = Math.imul(sum ^ name.charCodeAt(at), multiplier)
    // The last characters have moved only the low bits so far.
    sum = Math.imul(sum ^ (sum >>> 15), 0x2c1b3c6d)
    return ((sum ^ (sum >>> 13)) >>> 0).toString(36)
  }).join('-')
}
