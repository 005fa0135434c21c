import type { CallOptions, ClientKey, Priority } from 'holdfast'
import type { GuardOptions } from './guard-options.ts'

/** Doing it twice is doing it once (RFC 9110, 9.2.2, and QUERY). */
const IDEMPOTENT_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'QUERY'])

/** The header by which a service knows a request that it has seen before. */
export const IDEMPOTENCY_KEY = 'idempotency-key'

/** A request as its guards are told of it. Whether it may be repeated changes while it is made. */
export class OutgoingCall implements CallOptions {
  readonly operation: string | undefined
  readonly signal: AbortSignal | undefined
  readonly timeoutMs: number | undefined
  readonly deadlineMs: number | undefined
  readonly client: ClientKey | undefined
  readonly key: string | undefined
  readonly cost: number | undefined
  readonly priority: Priority | undefined
  /** Asked when an attempt has failed, and so may be changed until then. */
  idempotent: boolean
  /** The key that all attempts carry besides their own headers. */
  readonly idempotencyKey: string | undefined

  /**
   * @param method in capitals
   * @param url asked for only where the user's options want it
   * @param hasKey whether the request has an `Idempotency-Key` of its own; asked only where it matters
   */
  constructor(
    { call, idempotencyKey = false }: GuardOptions,
    request: {
      readonly method: string
      readonly url: () => string
      readonly hasKey: () => boolean
      readonly signal: AbortSignal | undefined
    },
  ) {
    const { method, url, hasKey, signal } = request
    const own = call?.({ method, url: url() })
    this.operation = own?.operation ?? method
    this.signal = signal
    this.timeoutMs = own?.timeoutMs
    this.deadlineMs = own?.deadlineMs
    this.client = own?.client
    this.key = own?.key
    this.cost = own?.cost
    this.priority = own?.priority
    const isSafe = IDEMPOTENT_METHODS.has(method)
    const keyed = !isSafe && hasKey()
    const wantsKey = !keyed && idempotencyKey !== false && (method === 'POST' || method === 'PATCH')
    this.idempotencyKey = wantsKey ? newKey(idempotencyKey) : undefined
    this.idempotent = own?.idempotent ?? (isSafe || keyed || wantsKey)
  }
}

function newKey(make: true | (() => string)): string {
  return make === true ? `"${crypto.randomUUID()}"` : make()
}
