import type { Clock } from '../clock.ts'
import type { RefusalError } from '../errors.ts'
import { check, signalRule } from '../options.ts'
import type { Slot } from '../pipeline/guard.ts'
import { WAITING } from '../pipeline/guard.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'
import type { AcquireOptions } from '../rate-limiter/take-options.ts'
import type { Gate } from './gate.ts'
import type { Priority } from './priority.ts'
import type { QueuedCall, QueuePlace } from './queue-place.ts'

/** Somebody who waits at a gate alone, without a call behind it. */
class Ticket implements QueuedCall {
  readonly service = undefined
  readonly operation = undefined
  readonly attempt = 1
  readonly key = undefined
  readonly deadlineAt = Number.POSITIVE_INFINITY
  readonly client: ClientKey | undefined
  readonly cost: number
  readonly priority: Priority
  admittedAt = 0
  readonly maxWaitMs: number | undefined
  slot: Slot | undefined
  queue: QueuePlace | undefined = undefined
  readonly now: () => number
  readonly admitted: () => void
  readonly refused: (refusal: RefusalError) => void

  constructor(
    options: AcquireOptions,
    now: () => number,
    admitted: () => void,
    refused: (refusal: RefusalError) => void,
  ) {
    this.now = now
    this.client = options.client
    this.cost = options.cost ?? 1
    this.priority = options.priority ?? 'normal'
    this.maxWaitMs = options.maxWaitMs
    this.admitted = admitted
    this.refused = refused
  }

  /** There is no other guard. */
  askAgain(): void {}
}

/** Waits at a gate; abortable. Rejects with the gate's refusal or the signal's reason. */
export function waitAtGate(gate: Gate, clock: Clock, options: AcquireOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const { signal } = options
    if (signal !== undefined) check('signal', signal, signalRule)
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const onAbort = (): void => {
      gate.leave(ticket)
      reject(signal?.reason)
    }
    const settle = (done: () => void): void => {
      signal?.removeEventListener('abort', onAbort)
      done()
    }
    const ticket = new Ticket(
      options,
      () => clock.now(),
      () => settle(resolve),
      (refusal) => settle(() => reject(refusal)),
    )
    const admission = gate.enter(ticket)
    if (admission === undefined) resolve()
    else if (admission === WAITING) signal?.addEventListener('abort', onAbort, { once: true })
    else reject(admission)
  })
}
