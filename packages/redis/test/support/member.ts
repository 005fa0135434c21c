/** A process of a fleet: prints when it admits a call, until it is killed. Run by the tests, not by itself. */
import { writeSync } from 'node:fs'
import { systemClock } from 'holdfast'
import { connectFleet } from '../../src/index.ts'
import { FleetStore } from '../../src/rate-limiter/fleet-store.ts'

const [url = '', tokensPerSecond = '1', burstSize = '1', everyMs = '10'] = process.argv.slice(2)
const limit = { label: 'global', tokensPerSecond: Number(tokensPerSecond), burstSize: Number(burstSize) }
const bucket = new FleetStore(await connectFleet({ redis: url }), 'alpaca', 'local-share').bucket(
  limit,
  () => undefined,
)

function call(): void {
  const now = systemClock.now()
  if (bucket.waitMs(1, now) === 0) {
    bucket.take(1, now)
    // The same clock for all processes of the machine.
    writeSync(1, `${process.hrtime.bigint()}\n`)
  }
  systemClock.setTimer(call, Number(everyMs))
}

call()
