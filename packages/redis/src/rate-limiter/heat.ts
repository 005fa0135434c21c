/** How many clients are told apart; two that share a place look busier than they are, which only gets them leases. */
const PLACES = 2 ** 18

/** The most that is counted. */
const MOST = 255

/** Halves four counts in one number: what one count shifts into its neighbour is masked out. */
const WITHOUT_NEIGHBOURS = 0x7f7f7f7f

/**
 * How many tokens each client wanted lately, of any number of clients: a byte for each hash. A client who calls once leaves
 * nothing behind that anybody would have to clear away.
 */
export class Heat {
  readonly #tokens = new Uint8Array(PLACES)
  readonly #words = new Uint32Array(this.#tokens.buffer)
  #isCold = true

  add(clientHash: number, tokens: number): void {
    const place = clientHash % PLACES
    this.#tokens[place] = Math.min(MOST, Math.ceil((this.#tokens[place] ?? 0) + tokens))
    this.#isCold = false
  }

  of(clientHash: number): number {
    return this.#tokens[clientHash % PLACES] ?? 0
  }

  /** Every half lease: half of it is forgotten, so that what is left is what was wanted in about a lease. */
  cool(): void {
    if (this.#isCold) return
    const words = this.#words
    let left = 0
    for (let index = 0; index < words.length; index++) {
      const cooler = ((words[index] ?? 0) >>> 1) & WITHOUT_NEIGHBOURS
      words[index] = cooler
      left |= cooler
    }
    this.#isCold = left === 0
  }
}
