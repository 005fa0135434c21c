/** What `npm start` prints: where to look, and what to try. */

/** Where everything is. */
export interface Addresses {
  readonly host: string
  readonly port: number
  /** Undefined when the gateway talks to the real services. */
  readonly standIns: { readonly alpaca: string; readonly polygon: string; readonly control: string } | undefined
}

/** The text. Each of the lines to try can be copied as it is. */
export function greeting({ host, port, standIns }: Addresses): string {
  const gateway = `http://${host}:${port}`
  const where = [`  gateway   ${gateway}   state of all services: ${gateway}/v1/resilience`]
  if (standIns === undefined) {
    return [...where, '  Alpaca and Polygon: the real ones', '', `  curl ${gateway}/v1/quotes/AAPL`, ''].join('\n')
  }
  return [
    '',
    ...where,
    `  stand-ins Alpaca ${standIns.alpaca}   Polygon ${standIns.polygon}   control ${standIns.control}`,
    '',
    '  Try in another terminal:',
    '',
    '  1. A quote.',
    `     ${quoteLine(gateway)}`,
    '',
    '  2. The broker hangs. The first call waits in vain, the circuit opens, and the next are refused at once (503).',
    `     ${outageLine(gateway, standIns.control)}`,
    '',
    '  3. It is well again. After the recovery time (5 s here, 15 s in the profile) one probe closes the circuit.',
    `     ${recoveryLine(gateway, standIns.control)}`,
    '',
    '  Ctrl-C stops it.',
    '',
  ].join('\n')
}

const TIMED = `-w ' [%{http_code} after %{time_total} s]\\n'`

function quoteLine(gateway: string): string {
  return `curl -s ${TIMED} ${gateway}/v1/quotes/AAPL`
}

function outageLine(gateway: string, control: string): string {
  const hang = `curl -s -o /dev/null -X PUT ${control}/_faults/alpaca -d '{"action":{"type":"hang"}}'`
  return `${hang}; for i in 1 2 3 4; do curl -s ${TIMED} ${gateway}/v1/account; done`
}

function recoveryLine(gateway: string, control: string): string {
  return `curl -s -X DELETE ${control}/_faults/alpaca; sleep 5; curl -s ${TIMED} ${gateway}/v1/account`
}
