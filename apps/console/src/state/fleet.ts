/** The fleet that this gateway is one of. */
import { type Signal, signal } from '@preact/signals'
import type { FleetView } from '../api.ts'
import { ask, GatewayError } from './http.ts'
import { every } from './time.ts'

const LOOK_EVERY_MS = 2_000

/** As it was when last looked at; null for a gateway that is alone. */
export const fleet: Signal<FleetView | null> = signal(null)

/** Looks now, and in a fleet again and again. @returns what ends that */
export function followFleet(): () => void {
  let stop = (): void => undefined
  let ended = false
  void look().then(() => {
    if (!ended && fleet.value !== null) stop = every(LOOK_EVERY_MS, () => void look())
  })
  return () => {
    ended = true
    stop()
  }
}

async function look(): Promise<void> {
  try {
    fleet.value = await ask<FleetView | null>('/v1/fleet')
  } catch (error) {
    // That the gateway cannot be reached is said above every view.
    if (!(error instanceof GatewayError)) throw error
  }
}
