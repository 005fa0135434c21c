import type { BucketSegment } from './bucket-segment.ts'
import type { ClientKey } from './key-hash.ts'

/**
 * A client who asks again and again, as over a connection that is kept: where its bucket stood the last time is remembered,
 * so that it need not be looked for. Only a help: who asks by {@link client} has the same bucket.
 *
 * @example
 * const desk = new ClientPlace('desk-7')
 * if (!limiter.admitAt(decision, desk)) refuse(decision.retryAfterMs)
 */
export class ClientPlace<Key extends ClientKey = ClientKey> {
  readonly client: Key
  /** Where the bucket stands. */
  segment: BucketSegment | undefined = undefined
  slot = -1

  constructor(client: Key) {
    this.client = client
  }
}
