/** What `npm start` prints: where to look, and what to try. */

import type { UpstreamName } from '@holdfast/upstreams'

/** Where everything is. */
export interface Addresses {
  /** The gateway's, for example `http://127.0.0.1:8080`. */
  readonly address: string
  /** Undefined when the gateway talks to the real services. */
  readonly standIns: Readonly<Record<UpstreamName | 'control', string>> | undefined
  /** The operator's page, or why there is none. */
  readonly console: { readonly url: string } | { readonly missing: string }
  /** What the fleet shares its limits on; undefined when the gateway is alone. */
  readonly redis: { readonly host: string; readonly answers: boolean } | undefined
}

/** The text. Each of the lines to try can be copied as it is. */
export function greeting({ address: gateway, standIns, console: page, redis }: Addresses): string {
  const where = [
    `  console   ${'url' in page ? page.url : page.missing}`,
    `  gateway   ${gateway}`,
    ...redisLine(redis),
  ]
  if (standIns === undefined) {
    const real = '  services  Alpaca and Polygon, the real ones'
    return ['', ...where, real, '', '  Try in another terminal:', '', `     ${quoteLine(gateway)}`, ''].join('\n')
  }
  return [
    '',
    ...where,
    `  stand-ins Alpaca ${standIns.alpaca}   Polygon ${standIns.polygon}   control ${standIns.control}`,
    `            Yahoo ${standIns.yahoo}   FRED ${standIns.fred}   Interactive Brokers ${standIns.ib}`,
    '',
    '  Try in another terminal:',
    '',
    '  1. A quote.',
    `     ${quoteLine(gateway)}`,
    '',
    '  2. The broker hangs. The first call waits in vain, two attempts of 1 s each; that opens the circuit (in the',
    '     profile three of 5 s each do), and the next calls are refused at once (503).',
    `     ${outageLine(gateway, standIns.control)}`,
    '',
    '  3. It is well again. After the recovery time (5 s here, 15 s in the profile) one probe closes the circuit (200).',
    `     ${recoveryLine(gateway, standIns.control)}`,
    '',
    '  Ctrl-C stops it.',
    '',
  ].join('\n')
}

function redisLine(redis: Addresses['redis']): string[] {
  if (redis === undefined) return []
  const { host, answers } = redis
  return [`  redis     ${host}${answers ? '' : ' does not answer: no call goes to any service until it does'}`]
}

const TIMED = `-w ' [%{http_code} after %{time_total} s]\\n'`

function quoteLine(gateway: string): string {
  return `curl -sS ${TIMED} ${gateway}/v1/quotes/AAPL`
}

function outageLine(gateway: string, control: string): string {
  const hang = `curl -sS -o /dev/null -X PUT ${control}/_faults/alpaca -d '{"action":{"type":"hang"}}'`
  return `${hang}; for i in 1 2 3 4; do curl -sS ${TIMED} ${gateway}/v1/account; done`
}

function recoveryLine(gateway: string, control: string): string {
  return `curl -sS -X DELETE ${control}/_faults/alpaca; sleep 5; curl -sS ${TIMED} ${gateway}/v1/account`
}
