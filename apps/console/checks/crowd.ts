/**
 * A gateway with fifty services that change ten times a second, in a process of its own. It tells its parent where it
 * listens, and, when asked, how much of the processor it has used.
 */
import { CONSOLE_FOLDER } from '@holdfast/console/folder'
import { createGateway, guardUpstreams, TokenBook, tokenEntry } from '@holdfast/gateway'
import { createResilience, systemClock, systemRandom } from 'holdfast'
import { TOKENS } from '../test/browser/support.ts'

const SERVICES = 50
const UPDATE_MS = 100

const names = Array.from({ length: SERVICES }, (_, index) => `service-${index + 1}`)
const resilience = createResilience({
  services: Object.fromEntries(names.map((name) => [name, { profile: 'INTERNAL' }])),
})
const upstreams = {
  ...guardUpstreams({ alpaca: { keyId: 'none', secretKey: 'none', paper: true }, polygon: { apiKey: 'none' } }),
  resilience,
}

const gateway = await createGateway({
  upstreams,
  limits: { tokensPerSecond: 1_000 },
  control: {
    tokens: new TokenBook(tokenEntry({ name: 'vera', role: 'viewer' }, TOKENS.vera)),
    liveIntervalMs: UPDATE_MS,
    secureCookies: false,
  },
  consoleFolder: CONSOLE_FOLDER,
})
const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 })

/** A call of every service that is allowed one; one in twenty fails, and service-7 always does. */
function work(): void {
  for (const service of resilience.services) {
    const fails = service.name === 'service-7' || systemRandom() < 0.05
    void service
      .execute(() => (fails ? Promise.reject(new Error('socket hang up')) : Promise.resolve()), { operation: 'work' })
      .catch(() => undefined)
  }
  systemClock.setTimer(work, UPDATE_MS)
}
work()

process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.({ cpu: process.cpuUsage() }))
process.send?.({ url })
