/** One request as it was seen on the wire. */
export interface WireRecord {
  readonly seq: number
  readonly t: number
  readonly upstream: string
  readonly method: string
  /** Keys in the query are struck out. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly status: number | null
  /** Whether it took effect. */
  readonly executed: boolean
  readonly faultId: string | null
  readonly outcome: 'answered' | 'cut off'
}

const SECRET_HEADERS = new Set(['apca-api-key-id', 'apca-api-secret-key', 'authorization', 'cookie'])

/** How many records are kept. */
const KEPT = 10_000

/** The last requests, oldest first. */
export class WireLog {
  #records: WireRecord[] = []
  #seq = 0

  append(record: Omit<WireRecord, 'seq'>): void {
    this.#records.push({ seq: ++this.#seq, ...record })
    if (this.#records.length > KEPT) this.#records = this.#records.slice(-KEPT / 2)
  }

  /** Records of an upstream (or all) after a sequence number. */
  since(seq: number, upstream?: string): readonly WireRecord[] {
    return this.#records.filter(
      (record) => record.seq > seq && (upstream === undefined || record.upstream === upstream),
    )
  }

  reset(): void {
    this.#records = []
  }
}

/** Headers without secrets. */
export function redactHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) shown[name] = SECRET_HEADERS.has(name) ? 'redacted' : String(value)
  }
  return shown
}

/** A path without the key in its query. */
export function redactPath(path: string): string {
  return path.replace(/([?&](?:apiKey|api_key|crumb)=)[^&]*/gi, '$1redacted')
}
