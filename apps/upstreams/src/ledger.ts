/** What really happened to orders, whatever the client was told. */
export interface LedgerRow {
  readonly seq: number
  /** When, in milliseconds since 1970. */
  readonly t: number
  readonly kind: 'submit' | 'cancel' | 'replace' | 'fill'
  readonly id: string
  readonly clientOrderId: string
  /** The client's intent: header `x-intent-id`, else the client order id up to its first `#`. */
  readonly intent: string
  readonly symbol: string
  readonly side: string
  readonly qty: string
  /** How many submissions with this client order id had arrived, this one included. */
  readonly attempt: number
  /** Whether the answer went out whole. */
  acked: boolean
  /** The fault that befell the request, if one did. */
  readonly faultId: string | null
}

/** The record against which a client's story is checked. */
export class Ledger {
  #rows: LedgerRow[] = []

  get rows(): readonly LedgerRow[] {
    return this.#rows
  }

  append(row: Omit<LedgerRow, 'seq' | 'acked'>): LedgerRow {
    const complete: LedgerRow = { seq: this.#rows.length + 1, ...row, acked: false }
    this.#rows.push(complete)
    return complete
  }

  /** Intents that were executed more than once. */
  duplicates(): readonly { readonly intent: string; readonly rows: readonly LedgerRow[] }[] {
    const groups = new Map<string, LedgerRow[]>()
    for (const row of this.#rows) {
      if (row.kind !== 'submit') continue
      const group = groups.get(row.intent) ?? []
      group.push(row)
      groups.set(row.intent, group)
    }
    return [...groups].filter(([, rows]) => rows.length > 1).map(([intent, rows]) => ({ intent, rows }))
  }

  /**
   * Executed submissions whose answer never went out whole, of one intent or of all: a client that was told "not sent" of
   * one of them is wrong.
   */
  lateExecutions(intent?: string): readonly LedgerRow[] {
    return this.#rows.filter(
      (row) => row.kind === 'submit' && !row.acked && (intent === undefined || row.intent === intent),
    )
  }

  reset(): void {
    this.#rows = []
  }
}

/** The intent behind an order. */
export function intentOf(header: string | undefined, clientOrderId: string): string {
  return header ?? clientOrderId.split('#')[0] ?? clientOrderId
}
