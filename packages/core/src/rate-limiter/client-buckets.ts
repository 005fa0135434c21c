import { TokenBucket } from './token-bucket.ts'

/** How many of the longest idle clients are looked at to make room for a new one. */
const CANDIDATES = 4

/**
 * A token bucket for each client, for at most `maxClients` of them. Only a client whose bucket is full again is forgotten,
 * because a new bucket would be the same; so nobody gets out of debt by making up names for a flood of other clients.
 * While there is no room, newcomers share one bucket.
 */
export class ClientBuckets {
  readonly tokensPerSecond: number
  readonly burstSize: number
  readonly #maxClients: number
  /** In the order of last use, the longest idle first. */
  readonly #buckets = new Map<string, TokenBucket>()
  #shared: TokenBucket | undefined

  constructor(tokensPerSecond: number, burstSize: number, maxClients: number) {
    this.tokensPerSecond = tokensPerSecond
    this.burstSize = burstSize
    this.#maxClients = maxClients
  }

  /** How many clients have a bucket of their own. */
  get size(): number {
    return this.#buckets.size
  }

  /** The bucket that a client's calls are taken from. */
  of(client: string, now: number): TokenBucket {
    const known = this.#buckets.get(client)
    if (known !== undefined) {
      this.#buckets.delete(client)
      this.#buckets.set(client, known)
      return known
    }
    if (this.#buckets.size >= this.#maxClients && !this.#makeRoom(now)) {
      this.#shared ??= this.#fresh(now, this.burstSize)
      return this.#shared
    }
    // Who has been drawing on the shared bucket may be among the newcomers: none starts with more than it has left.
    const bucket = this.#fresh(now, this.#shared?.available(now) ?? this.burstSize)
    this.#buckets.set(client, bucket)
    return bucket
  }

  #fresh(now: number, tokens: number): TokenBucket {
    return new TokenBucket(this.tokensPerSecond, this.burstSize, now, tokens)
  }

  #makeRoom(now: number): boolean {
    let looked = 0
    for (const [client, bucket] of this.#buckets) {
      if (bucket.available(now) >= this.burstSize) {
        this.#buckets.delete(client)
        return true
      }
      if (++looked >= CANDIDATES) break
    }
    return false
  }
}
