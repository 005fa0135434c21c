/** Outages, from the opening of a circuit to its closing, with what they cost and what was saved. */
import type { DatabaseSync } from 'node:sqlite'
import type { Incident, ServiceSecond } from '@holdfast/console/api'
import { numberIn, numberOrNull, type Row, textIn, textOrNull } from '../state/rows.ts'

/** The table, kept in the file of the history. */
export const INCIDENT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS incident (
    id INTEGER PRIMARY KEY AUTOINCREMENT, service TEXT NOT NULL, opened_at INTEGER NOT NULL, closed_at INTEGER,
    by_hand INTEGER NOT NULL, cause TEXT NOT NULL, ending TEXT, failed INTEGER NOT NULL, refused_circuit INTEGER NOT NULL,
    refused_limit INTEGER NOT NULL, refused_slots INTEGER NOT NULL, timeouts INTEGER NOT NULL, retries INTEGER NOT NULL,
    reopened INTEGER NOT NULL, wait_limit_ms INTEGER, orders_in_doubt TEXT
  );
  CREATE INDEX IF NOT EXISTS incident_by_time ON incident (opened_at);`

/** How many incidents are kept. */
const KEPT = 10_000

type Doubts = Incident['ordersInDoubt']

/** An incident that lasts. */
type Lasting = { -readonly [Field in keyof Incident]: Incident[Field] }

/** Keeps incidents. */
export class IncidentBook {
  readonly #database: DatabaseSync
  readonly #lasting = new Map<string, Lasting>()

  /** Incidents that lasted when the gateway ended are over: the new one begins with closed circuits. */
  constructor(database: DatabaseSync, now: number) {
    this.#database = database
    database
      .prepare('UPDATE incident SET closed_at = MAX(?, opened_at), ending = ? WHERE closed_at IS NULL')
      .run(now, 'the gateway was restarted, with closed circuits')
  }

  /** A circuit has opened. */
  open(begun: Pick<Incident, 'service' | 'openedAt' | 'byHand' | 'cause' | 'waitLimitMs' | 'ordersInDoubt'>): void {
    if (this.#lasting.has(begun.service)) return
    const { service, openedAt, byHand, cause, waitLimitMs, ordersInDoubt } = begun
    const { lastInsertRowid } = this.#database
      .prepare(
        `INSERT INTO incident (service, opened_at, by_hand, cause, failed, refused_circuit, refused_limit, refused_slots,
           timeouts, retries, reopened, wait_limit_ms, orders_in_doubt)
         VALUES (?, ?, ?, ?, 0, 0, 0, 0, 0, 0, 0, ?, ?)`,
      )
      .run(service, openedAt, byHand ? 1 : 0, cause, waitLimitMs, doubtsText(ordersInDoubt))
    const counts = { failed: 0, refused: { circuit: 0, limit: 0, slots: 0 }, timeouts: 0, retries: 0, reopened: 0 }
    this.#lasting.set(service, { id: Number(lastInsertRowid), ...begun, closedAt: null, ending: null, ...counts })
    this.#database.prepare('DELETE FROM incident WHERE id <= ?').run(Number(lastInsertRowid) - KEPT)
  }

  /** Since when the service has an incident that lasts. */
  lastingSince(service: string): number | undefined {
    return this.#lasting.get(service)?.openedAt
  }

  /** A probe has failed, and the circuit opened again. */
  reopen(service: string): void {
    const incident = this.#lasting.get(service)
    if (incident !== undefined) incident.reopened++
  }

  /** Adds a second of a service that has an incident, the one in which it began included. */
  addSecond({ service, failed, refused, timeouts, retries }: ServiceSecond, ordersInDoubt: Doubts): void {
    const incident = this.#lasting.get(service)
    if (incident === undefined) return
    incident.failed += failed
    incident.refused = {
      circuit: incident.refused.circuit + refused.circuit,
      limit: incident.refused.limit + refused.limit,
      slots: incident.refused.slots + refused.slots,
    }
    incident.timeouts += timeouts
    incident.retries += retries
    incident.ordersInDoubt = ordersInDoubt
    this.#write(incident)
  }

  /** A circuit has closed. */
  close(service: string, at: number, ending: string): void {
    const incident = this.#lasting.get(service)
    if (incident === undefined) return
    incident.closedAt = Math.max(at, incident.openedAt)
    incident.ending = ending
    this.#write(incident)
    this.#lasting.delete(service)
  }

  /** The newest first. */
  list(limit: number): readonly Incident[] {
    return this.#database.prepare('SELECT * FROM incident ORDER BY id DESC LIMIT ?').all(limit).map(incidentOf)
  }

  /** One of them. */
  get(id: number): Incident | undefined {
    const row = this.#database.prepare('SELECT * FROM incident WHERE id = ?').get(id)
    return row === undefined ? undefined : incidentOf(row)
  }

  #write(incident: Incident): void {
    const { id, closedAt, ending, failed, refused, timeouts, retries, reopened, ordersInDoubt } = incident
    this.#database
      .prepare(
        `UPDATE incident SET closed_at = ?, ending = ?, failed = ?, refused_circuit = ?, refused_limit = ?,
           refused_slots = ?, timeouts = ?, retries = ?, reopened = ?, orders_in_doubt = ? WHERE id = ?`,
      )
      .run(
        ...[closedAt, ending, failed, refused.circuit, refused.limit, refused.slots, timeouts, retries, reopened],
        doubtsText(ordersInDoubt),
        id,
      )
  }
}

function doubtsText(doubts: Doubts): string | null {
  return doubts === null ? null : JSON.stringify(doubts)
}

function incidentOf(row: Row): Incident {
  const doubts = textOrNull(row, 'orders_in_doubt')
  return {
    id: numberIn(row, 'id'),
    service: textIn(row, 'service'),
    openedAt: numberIn(row, 'opened_at'),
    closedAt: numberOrNull(row, 'closed_at'),
    byHand: numberIn(row, 'by_hand') === 1,
    cause: textIn(row, 'cause'),
    ending: textOrNull(row, 'ending'),
    failed: numberIn(row, 'failed'),
    refused: {
      circuit: numberIn(row, 'refused_circuit'),
      limit: numberIn(row, 'refused_limit'),
      slots: numberIn(row, 'refused_slots'),
    },
    timeouts: numberIn(row, 'timeouts'),
    retries: numberIn(row, 'retries'),
    reopened: numberIn(row, 'reopened'),
    waitLimitMs: numberOrNull(row, 'wait_limit_ms'),
    ordersInDoubt: doubts === null ? null : JSON.parse(doubts),
  }
}
