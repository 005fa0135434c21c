import { VirtualClock } from '@holdfast/testing'

/** A limit for all whose time stands still. */
export const still = (burstSize: number) => ({ tokensPerSecond: 1, burstSize, clock: new VirtualClock() })

/** A limit for each client whose time stands still. */
export const stillPerClient = (burstSize: number) => ({
  perClient: { tokensPerSecond: 1, burstSize },
  clock: new VirtualClock(),
})
