/** A call that a guard has let wait: parked by the circuit, or in the queue of the gate. It holds nothing meanwhile. */
import type { RefusalError } from '../errors.ts'
import type { Guarded } from './call.ts'
import { type GuardedCall, WAITING } from './guard.ts'
import { LimitedCall } from './limited-call.ts'

export abstract class WaitingCall extends LimitedCall implements GuardedCall {
  protected abstract enter(fn: Guarded<unknown>): Promise<unknown>
  protected abstract run(fn: Guarded<unknown>): Promise<unknown>
  protected abstract refuse(refusal: RefusalError, fn: Guarded<unknown> | undefined): Promise<unknown>

  protected wait(where: 'parked' | 'waiting', fn: Guarded<unknown>): Promise<unknown> {
    const answer = this.ownAnswer()
    if (this.phase === 'ended') {
      this.#leaveQueue(where)
    } else {
      this.phase = where
      this.fn = fn
      this.startTotalLimit()
    }
    return answer.promise
  }

  protected stopWaiting(): void {
    if (this.phase === 'waiting' || this.phase === 'parked') this.#leaveQueue(this.phase)
  }

  #leaveQueue(where: 'parked' | 'waiting'): void {
    if (where === 'parked') this.plan.circuit?.leave(this)
    else this.plan.gate?.leave(this)
  }

  /** What it waited for is there; but meanwhile the circuit may have opened. */
  admitted(now: number): void {
    const { circuit, gate } = this.plan
    this.time = now
    if (this.phase === 'ended') {
      // Given up by a call that was admitted with it, and went first.
      gate?.exit(this, 'not-run')
      return
    }
    this.phase = 'entering'
    const admission = circuit?.enter(this)
    if (this.fn === undefined) return
    if (admission === undefined) {
      void this.run(this.fn)
      return
    }
    gate?.exit(this, 'not-run')
    if (admission === WAITING) void this.wait('parked', this.fn)
    else void this.refuse(admission, this.fn)
  }

  /** The circuit had let it wait, and it asks once more. */
  reenter(now: number): void {
    if (this.phase === 'ended') return
    this.time = now
    this.phase = 'entering'
    if (this.fn !== undefined) void this.enter(this.fn)
  }

  /** The circuit may refuse it by now; then it need not wait any longer. Else it is not asked: it would take it for a probe. */
  askAgain(now: number): void {
    const { circuit, gate, wouldRefuseAt } = this.plan
    if (wouldRefuseAt?.(now, this.priority) !== true) return
    this.time = now
    const admission = circuit?.enter(this)
    if (admission === undefined) {
      circuit?.exit(this, 'not-run')
      return
    }
    gate?.leave(this)
    if (admission !== WAITING) void this.refuse(admission, this.fn)
    else if (this.fn !== undefined) void this.wait('parked', this.fn)
  }

  refused(refusal: RefusalError, now: number): void {
    this.time = now
    void this.refuse(refusal, this.fn)
  }
}
