/** One process of the fleet that `promise.ts` starts: calls all the time, and prints when it was admitted, at the end. */
import { writeFileSync } from 'node:fs'
import { connectFleet, fleetRateLimiter } from '@holdfast/redis'
import { systemClock } from 'holdfast'

const [url = '', tokensPerSecond = '1', burstSize = '1', everyMs = '10', forMs = '1000', file = ''] =
  process.argv.slice(2)
const fleet = await connectFleet({ redis: url })
const limiter = fleetRateLimiter(fleet, 'alpaca', {
  tokensPerSecond: Number(tokensPerSecond),
  burstSize: Number(burstSize),
})
const admissions: string[] = []
const until = systemClock.now() + Number(forMs)

function call(): void {
  // The same clock for all processes of the machine.
  if (limiter.tryAcquire().allowed) admissions.push(String(process.hrtime.bigint()))
  if (systemClock.now() < until) systemClock.setTimer(call, Number(everyMs))
  else void end()
}

async function end(): Promise<void> {
  await fleet.close()
  writeFileSync(file, admissions.join('\n'))
}

call()
