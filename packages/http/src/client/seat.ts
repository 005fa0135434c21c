import { ClientPlace } from 'holdfast'

/** What tells clients apart. */
export type ClientKind = 'key' | 'user' | 'address'

/** A longer name is not kept: a connection that stays open must not hold a header of 16 kB for as long. */
const LONGEST_KEPT = 256

/**
 * Who asked last over a connection, and where his bucket stands. He who asks next over it is mostly the same, and then need
 * not be looked for (bench: `http`).
 */
export class Seat {
  /** Whose seat it is: two limits of one process tell clients apart in different ways. */
  readonly owner: object
  #kind: ClientKind | undefined
  #name: string | undefined
  #forwardedFor: string | undefined
  #place = new ClientPlace<string>('')

  constructor(owner: object) {
    this.owner = owner
  }

  /** His place, if he is the one who asked last. */
  placeOf(
    kind: ClientKind,
    name: string | undefined,
    forwardedFor?: string | undefined,
  ): ClientPlace<string> | undefined {
    return this.#kind === kind && this.#name === name && this.#forwardedFor === forwardedFor ? this.#place : undefined
  }

  /** Somebody else sits down. */
  take(
    client: string,
    kind: ClientKind,
    name: string | undefined,
    forwardedFor?: string | undefined,
  ): ClientPlace<string> {
    const isKept = (name?.length ?? 0) <= LONGEST_KEPT && (forwardedFor?.length ?? 0) <= LONGEST_KEPT
    this.#kind = isKept ? kind : undefined
    this.#name = isKept ? name : undefined
    this.#forwardedFor = isKept ? forwardedFor : undefined
    this.#place = new ClientPlace(client)
    return this.#place
  }
}
