/** What the stand-in's ledger, the journal and the clients say, held against one another. */

import type { JournalEvent } from '@holdfast/trading'
import { exportJournal } from '@holdfast/trading/journal'
import type { LedgerRow } from '@holdfast/upstreams'
import type { Told } from './trader.ts'

/** What became of all orders. Everything but `executedOnce` and the sums must be 0. */
export interface Verdict {
  readonly intents: number
  /** Executed exactly once, as the ledger shows. */
  readonly executedOnce: number
  /** Executed more than once. */
  readonly doubled: number
  /** Of which the journal says neither that they were accepted or refused, nor lists them as in doubt. */
  readonly lost: number
  readonly accepted: number
  readonly refused: number
  readonly inDoubt: number
  /** Said to be accepted, by the journal or to a client, and not executed; or said to be refused, and executed. */
  readonly untrue: number
  /** How many attempts reached the wire or tried to, and how many orders had been in doubt for a while. */
  readonly attempts: number
  readonly everInDoubt: number
}

/** @param ids all intents; @param told what their clients were told last; @param listed what the gateway lists as in doubt */
export function verdictOf(evidence: {
  readonly ids: readonly string[]
  readonly told: ReadonlyMap<string, Told>
  readonly ledger: readonly LedgerRow[]
  readonly journal: string
  readonly listed: ReadonlySet<string>
}): Verdict {
  const { ids, told, ledger, journal, listed } = evidence
  const executions = new Map<string, number>()
  for (const { kind, intent } of ledger) {
    if (kind === 'submit') executions.set(intent, (executions.get(intent) ?? 0) + 1)
  }
  const last = new Map<string, JournalEvent['type']>()
  const everInDoubt = new Set<string>()
  let attempts = 0
  for (const line of exportJournal(journal)) {
    const event: JournalEvent = JSON.parse(line)
    last.set(event.clientOrderId, event.type)
    if (event.type === 'sending') attempts++
    if (event.type === 'in-doubt') everInDoubt.add(event.clientOrderId)
  }
  const counts = { executedOnce: 0, doubled: 0, lost: 0, accepted: 0, refused: 0, inDoubt: 0, untrue: 0 }
  for (const id of ids) {
    const executed = executions.get(id) ?? 0
    const state = last.get(id)
    const isAccepted = state === 'accepted' || state === 'reconciled'
    if (executed === 1) counts.executedOnce++
    if (executed > 1) counts.doubled++
    if (isAccepted) counts.accepted++
    else if (state === 'refused') counts.refused++
    else if (listed.has(id)) counts.inDoubt++
    else counts.lost++
    const saidAccepted = isAccepted || told.get(id) === 'accepted'
    const saidRefused = state === 'refused' || told.get(id) === 'refused'
    if ((saidAccepted && executed === 0) || (saidRefused && executed > 0)) counts.untrue++
  }
  return { intents: ids.length, ...counts, attempts, everInDoubt: everInDoubt.size }
}
