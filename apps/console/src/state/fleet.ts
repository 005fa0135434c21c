/** The fleet that this gateway is one of. */
import { type Signal, signal } from '@preact/signals'
import type { FleetView } from '../api.ts'
import { ask, GatewayError } from './http.ts'
import { every } from './time.ts'

const LOOK_EVERY_MS = 2_000

/** As it was when last looked at; null for a gateway that is alone. */
export const fleet: Signal<FleetView | null> = signal(null)

/** Looks now, and again and again until a gateway says that it is alone. @returns what ends that */
export function followFleet(): () => void {
  const look = async (): Promise<void> => {
    if (await isAlone()) stop()
  }
  const stop = every(LOOK_EVERY_MS, () => void look())
  void look()
  return stop
}

async function isAlone(): Promise<boolean> {
  try {
    fleet.value = await ask<FleetView | null>('/v1/fleet')
    return fleet.value === null
  } catch (error) {
    // That the gateway cannot be reached is said above every view.
    if (!(error instanceof GatewayError)) throw error
    return false
  }
}
