import type { Clock } from '../clock.ts'
import type { Slot } from './guard.ts'

/** How long the slot of an attempt that was given up stays taken at most, in milliseconds. */
export const ABANDON_AFTER_MS = 1_000

/** The slot of an attempt that was given up while its function still runs. */
export interface Abandoned {
  /** Which attempt. */
  readonly epoch: number
  readonly earlier: Abandoned | undefined
  /** The function has ended after all: gives the slot back, once. */
  release(): void
}

/**
 * Keeps the slot taken, because the connection behind it still is: a bulkhead that forgets this protects nothing. It is
 * free as soon as the function settles, at the latest after {@link ABANDON_AFTER_MS}.
 */
export function abandonSlot(slot: Slot, epoch: number, clock: Clock, earlier: Abandoned | undefined): Abandoned {
  let held = true
  const release = (): void => {
    if (!held) return
    held = false
    timer.cancel()
    slot.releaseAbandoned()
  }
  slot.abandon()
  const timer = clock.setTimer(release, ABANDON_AFTER_MS, false)
  return { epoch, earlier, release }
}
