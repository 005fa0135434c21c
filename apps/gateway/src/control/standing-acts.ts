/** What people have set and what is still in force: kept, so that it also holds after a restart. */
import type { DatabaseSync } from 'node:sqlite'
import type { StandingAct } from '@holdfast/console/api'
import { numberIn, numberOrNull, textIn } from '../state/rows.ts'

/** The table, kept in the file of the control. */
export const STANDING_SCHEMA = `
  CREATE TABLE IF NOT EXISTS standing (
    target TEXT NOT NULL, slot TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, reason TEXT NOT NULL,
    at INTEGER NOT NULL, until INTEGER, figures TEXT NOT NULL, PRIMARY KEY (target, slot)
  ) WITHOUT ROWID;`

/** What an act changes. Of each there is one at a time for a service. */
export type ActSlot = 'circuit' | 'limit' | 'slots' | 'orders'

/** An act in force, with what is needed to do it again after a restart. */
export interface KeptAct extends Omit<StandingAct, 'kind'> {
  /** Name of the service, or `orders`. */
  readonly target: string
  readonly slot: ActSlot
  readonly kind: StandingAct['kind'] | 'stop'
  /** `tokensPerSecond` and `burstSize` of a limit, `maxConcurrent` of a bulkhead. */
  readonly figures: Readonly<Record<string, number>>
}

const KINDS: readonly KeptAct['kind'][] = ['trip', 'pause', 'disable', 'limit', 'slots', 'stop']
const SLOTS: readonly ActSlot[] = ['circuit', 'limit', 'slots', 'orders']

/** The acts in force. */
export class StandingActs {
  readonly #database: DatabaseSync
  readonly #acts = new Map<string, KeptAct>()

  constructor(database: DatabaseSync) {
    this.#database = database
    for (const row of database.prepare('SELECT * FROM standing').all()) {
      const kind = KINDS.find((known) => known === row.kind)
      const slot = SLOTS.find((known) => known === row.slot)
      if (kind === undefined || slot === undefined) continue
      const act: KeptAct = {
        target: textIn(row, 'target'),
        slot,
        kind,
        who: textIn(row, 'who'),
        reason: textIn(row, 'reason'),
        at: numberIn(row, 'at'),
        until: numberOrNull(row, 'until'),
        figures: JSON.parse(textIn(row, 'figures')),
      }
      this.#acts.set(keyOf(act.target, slot), act)
    }
  }

  /** All of them, the oldest first. */
  get all(): readonly KeptAct[] {
    return [...this.#acts.values()].sort((a, b) => a.at - b.at)
  }

  /** What is in force there. */
  get(target: string, slot: ActSlot): KeptAct | undefined {
    return this.#acts.get(keyOf(target, slot))
  }

  /** Puts an act in the place of what was in force there. */
  put(act: KeptAct): void {
    const { target, slot, kind, who, reason, at, until, figures } = act
    this.#database
      .prepare('INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
      .run(target, slot, kind, who, reason, at, until, JSON.stringify(figures))
    this.#acts.set(keyOf(target, slot), act)
  }

  /** Nothing is in force there any more. */
  remove(target: string, slot: ActSlot): void {
    this.#database.prepare('DELETE FROM standing WHERE target = ? AND slot = ?').run(target, slot)
    this.#acts.delete(keyOf(target, slot))
  }
}

function keyOf(target: string, slot: ActSlot): string {
  return `${slot} ${target}`
}
