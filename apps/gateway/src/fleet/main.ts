/** `npm run fleet -- --processes 4`: several gateways that keep one limit, and a load balancer in front of them. */
import { parseArgs } from 'node:util'
import { startGatewayFleet } from './gateway-fleet.ts'

const { values } = parseArgs({ options: { processes: { type: 'string', default: '4' } } })
const processes = Number(values.processes)

async function start(): Promise<void> {
  if (!Number.isInteger(processes) || processes < 1 || processes > 64) {
    throw new Error(`--processes is ${values.processes}: it must be a whole number from 1 to 64`)
  }
  const { PORT = '8080', REDIS_URL } = process.env
  const fleet = await startGatewayFleet({ processes, redisUrl: REDIS_URL, port: Number(PORT) })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => fleet.close().catch(fail))
  const { url, redisUrl, gateways, token, standIns } = fleet
  console.log(
    [
      '',
      `  fleet     ${url}   each gateway in turn`,
      ...gateways.map(({ name, url: own }) => `  ${name} ${own}   console: ${own}/console/#token=${token}`),
      `            each one's part in the fleet: GET /v1/fleet with Authorization: Bearer ${token}`,
      `  redis     ${redisUrl}`,
      `  stand-ins Alpaca ${standIns.urls.alpaca}   control ${standIns.urls.control}`,
      '',
      '  Try in another terminal: 30 calls at once, whoever gets them; the broker sees what one may send.',
      '',
      `     for i in $(seq 30); do curl -sS -o /dev/null -w '%{http_code} ' ${url}/v1/account & done; wait; echo`,
      '',
      '  Ctrl-C stops it.',
      '',
    ].join('\n'),
  )
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

await start().catch(fail)
