/** A value that says where it comes from and how old it is. */
export interface Sourced<T> {
  readonly value: T
  /** Name of the service that it came from. */
  readonly source: string
  /** What moment it describes, in milliseconds since 1970: a quote's own time; for bars and series, when they were fetched. */
  readonly asOf: number
  /** How much older than now that is, in milliseconds. */
  readonly ageMs: number
  /** Whether it is the last good value, handed out because no source answers now. */
  readonly stale: boolean
}

/** A value as it is kept: its age is told when it is handed out. */
export interface KeptValue<T> {
  readonly value: T
  readonly source: string
  readonly asOf: number
  /** When it came, in milliseconds since 1970. */
  readonly fetchedAt: number
}

/** A kept value as it is handed out. */
export function sourced<T>({ value, source, asOf }: KeptValue<T>, now: number, stale: boolean): Sourced<T> {
  return { value, source, asOf, ageMs: Math.max(0, now - asOf), stale }
}
