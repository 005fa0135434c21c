/** Cancels orders one by one, at an even rate, under a burst of reads at another. */
import { systemClock } from 'holdfast'

/** A burst, and what is cancelled under it. */
export interface Burst {
  readonly orderIds: readonly string[]
  readonly cancelsPerSecond: number
  readonly readsPerSecond: number
  readonly cancel: (orderId: string) => Promise<{ readonly status: string }>
  readonly read: () => Promise<unknown>
  readonly tick: (done: number) => void
}

/** What came of it. */
export interface Cancelled {
  /** How long each cancellation took that succeeded, in milliseconds. */
  readonly waits: readonly number[]
  readonly failed: number
  readonly reads: number
  readonly readsRefused: number
}

/** How long the reads have gone on before the first cancellation, in milliseconds: whatever was saved up is spent. */
const WARM_UP_MS = 2_000

/** How often it is looked at what is due, in milliseconds. */
const TICK_MS = 2

export async function cancelUnder(burst: Burst): Promise<Cancelled> {
  const { orderIds, cancelsPerSecond, readsPerSecond, cancel, read, tick } = burst
  const waits: number[] = []
  const cancelling: Promise<void>[] = []
  let failed = 0
  let reads = 0
  let readsRefused = 0
  const startedAt = systemClock.now()
  const sinceStart = (): number => systemClock.now() - startedAt
  const cancelOne = async (orderId: string): Promise<void> => {
    const begunAt = systemClock.now()
    try {
      const { status } = await cancel(orderId)
      if (status === 'requested') waits.push(systemClock.now() - begunAt)
      else failed++
    } catch {
      // Counted, and the drill fails by it.
      failed++
    }
  }
  const readOne = (): void => {
    reads++
    read().catch(() => readsRefused++)
  }
  while (cancelling.length < orderIds.length) {
    const now = sinceStart()
    while (reads < (now * readsPerSecond) / 1_000) readOne()
    const due = Math.min(orderIds.length, Math.floor(((now - WARM_UP_MS) * cancelsPerSecond) / 1_000))
    for (const orderId of orderIds.slice(cancelling.length, Math.max(due, cancelling.length))) {
      cancelling.push(cancelOne(orderId))
      tick(cancelling.length)
    }
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, TICK_MS))
  }
  await Promise.all(cancelling)
  return { waits, failed, reads, readsRefused }
}
