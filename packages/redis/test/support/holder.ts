/** A process that takes what a fleet has one of, says so, and keeps it until it is killed. Run by the tests, not by itself. */
import { writeSync } from 'node:fs'
import { systemClock } from 'holdfast'
import { connectFleet, fleetCircuitBreaker, fleetSemaphore } from '../../src/index.ts'
import { CIRCUIT, SLOTS } from './held.ts'

const [url = '', what = ''] = process.argv.slice(2)
const fleet = await connectFleet({ redis: url })

const hold = (): Promise<never> => {
  writeSync(1, 'holding\n')
  return new Promise(() => undefined)
}

if (what === 'slot') {
  await fleetSemaphore(fleet, 'stream', SLOTS).execute(hold, { maxWaitMs: 60_000 })
} else {
  const breaker = fleetCircuitBreaker(fleet, 'alpaca', CIRCUIT)
  const call = (): void => {
    // Before the circuit of the fleet is open a call would be no probe.
    if (breaker.state === 'OPEN') breaker.execute(hold).catch(() => undefined)
    systemClock.setTimer(call, 20)
  }
  call()
}
