import type { FastifyRequest } from 'fastify'
import type { Fault } from './faults/fault-book.ts'
import type { FaultRule } from './faults/fault-rule.ts'
import type { LedgerRow } from './ledger.ts'

/** What is known of a request while it is worked on. */
export interface RequestFacts {
  readonly fault: Fault<FaultRule> | undefined
  /** Whether it took effect. */
  executed: boolean
  /** What it wrote into the ledger. */
  readonly ledgerRows: LedgerRow[]
}

const facts = new WeakMap<FastifyRequest, RequestFacts>()

/** Notes that a request has arrived. */
export function noteArrival(request: FastifyRequest, fault: Fault<FaultRule> | undefined): RequestFacts {
  const noted: RequestFacts = { fault, executed: false, ledgerRows: [] }
  facts.set(request, noted)
  return noted
}

/** What is known of a request. */
export function factsOf(request: FastifyRequest): RequestFacts {
  return facts.get(request) ?? noteArrival(request, undefined)
}

/** How old market data shall be made to look to this request, in milliseconds. */
export function staleMs(request: FastifyRequest): number {
  const action = factsOf(request).fault?.action
  return action?.type === 'stale' ? action.ageMs : 0
}
