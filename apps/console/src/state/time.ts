/** The gateway's time, as far as the page knows it: its own clock may be wrong. */
import { type Signal, signal } from '@preact/signals'
import { systemClock } from 'holdfast'

/** What the gateway's clock is ahead of ours, in milliseconds. */
let aheadMs = 0

/** The gateway's time in milliseconds since 1970, told twice a second. For what is shown, not for measuring. */
export const now: Signal<number> = signal(systemClock.wallTime())

/** Learns the gateway's time. */
export function setGatewayTime(at: number): void {
  aheadMs = at - systemClock.wallTime()
}

/** The gateway's time at this very moment. */
export function gatewayTime(): number {
  return systemClock.wallTime() + aheadMs
}

/** Calls something again and again until it is called off. @returns what calls it off */
export function every(periodMs: number, run: () => void): () => void {
  let timer = systemClock.setTimer(tick, periodMs)
  function tick(): void {
    run()
    timer = systemClock.setTimer(tick, periodMs)
  }
  return () => timer.cancel()
}

/** Begins to tell the time. */
export function startTime(): void {
  every(500, () => {
    now.value = gatewayTime()
  })
}
