import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { ROOT, runProgram } from './support/run-program.ts'

const FOLDER = join(ROOT, 'examples')

/** Take minutes of real time; run by `npm run outage` and `npm run fleet:example`. */
const MEASUREMENTS: readonly string[] = ['outage.ts', 'fleet.ts']

/** Examples that have a short form for the tests. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = { 'load-shedding.ts': ['--short'] }

/** What each example must print, in this order; lines between are free. */
const ESSENTIAL: Readonly<Record<string, readonly RegExp[]>> = {
  'circuit-breaker.ts': [
    /^failed: Error: socket hang up$/,
    /alpaca: CLOSED → OPEN \(failure-threshold\)/,
    /^refused: alpaca\.getAccount: circuit is open after 3 failures in a row/,
    /^3 of 5 calls were sent$/,
    /alpaca: OPEN → HALF_OPEN \(recovery-timeout\)/,
    /alpaca: HALF_OPEN → CLOSED \(probe-succeeded\)/,
    /^answered: account$/,
    /^the circuit is CLOSED$/,
  ],
  'retry.ts': [
    /^a read that fails twice$/,
    /answered at attempt 3/,
    /^a read that always fails$/,
    /gave up after 4 \(may-have-happened\): RetriesExhaustedError/,
    /^an order that may have reached the broker$/,
    /gave up after 1 \(may-have-happened\): Error: socket hang up/,
    /^a symbol that does not exist$/,
    /gave up after 1 \(refused\): Error: no such symbol/,
  ],
  'rate-limiter.ts': [
    /^desk-7: admitted, 2 left \(client\)$/,
    /^desk-7: refused \(client\)/,
    /^desk-8: admitted, 0 left \(global\)$/,
    /^desk-9: refused \(global\)/,
    /^eight callers, in order: 0 1 2 3 4 5 6 7$/,
    /took 600 ms or longer$/,
  ],
  'bulkhead.ts': [
    /^6 calls to the data provider: (answered(, )?){6}$/,
    /^call 2 to the broker: timed out after 300 ms$/,
    /^call 3 to the broker: refused \(no slot in time\)$/,
    /^call 6 to the broker: refused \(no slot now\)$/,
    /: 2 of 2$/,
  ],
  'pipeline.ts': [
    /^flaky: {3}account, at attempt 2$/,
    /^down: {4}the last known account \(ECONNREFUSED\)$/,
    /^circuit: OPEN$/,
    /^open: {4}the last known account \(HOLDFAST_CIRCUIT_OPEN\)$/,
    /^calls: 3 started/,
  ],
  'services.ts': [
    /event: retry of alpaca\.getAccount, attempt 1/,
    /^alpaca answered: account$/,
    /event: alpaca is OPEN \(maintenance at the broker\)/,
    /^alpaca refused: CircuitOpenError/,
    /^polygon answered: quote of AAPL$/,
    /^alpaca \(BROKER\): OPEN, 1 succeeded, 1 refused$/,
    /^polygon \(DATA_PROVIDER\): CLOSED, 1 succeeded, 0 refused$/,
  ],
  'outage-simulated.ts': [
    /^second 60 of 60: the broker answers/,
    /^ {2}·{15}━{25}·{20}$/,
    /^without Holdfast, second 60$/,
    /account .*answered in time: [12]\d %$/,
    /quotes .*answered in time: [123]\d %$/,
    /^with Holdfast, second 60$/,
    /account .*answered in time: 5\d %$/,
    /quotes .*answered in time: 100 %$/,
    /circuit of the broker, thick where it is open/,
    /^ {2}·{15}━{25,26}·{19,20}$/,
  ],
  'trading-bot.ts': [
    /^minute 3: the broker loses acknowledgements/,
    /^minute 17: the broker is well again$/,
    /^orders: [1-9]\d* in the books, [1-9]\d* in the ledger: the same$/,
    /^looked up after doubt: [1-9]\d*; doubled: 0; in doubt: 0$/,
    /^flat$/,
  ],
  'decorators.ts': [/^bars of AAPL after 3 attempts/, /^breaker of polygon: CLOSED$/, /^blocking: 42 at attempt 2$/],
  'load-shedding.ts': [
    /^the process can answer \d+ requests a second; it is asked \d+ times$/,
    /^without load shedding$/,
    /^ {2}critical .*: 0 turned away/,
    /^with load shedding$/,
    /^ {2}critical .* % answered in time/,
    /^ {2}background .*: [1-9]\d* turned away with 503 and Retry-After/,
  ],
}

/** What the README lists; programs that a reader has put beside them are his own. */
const listed = [...(await readFile(join(FOLDER, 'README.md'), 'utf8')).matchAll(/\]\((\S+\.ts)\)/g)].map(
  ([, name = '']) => name,
)
const examples = listed.filter((name) => !MEASUREMENTS.includes(name))

describe('the examples', () => {
  it.each(examples)('%s runs and shows what it is there for', async (name) => {
    const lines = await runProgram(join(FOLDER, name), ARGUMENTS[name])
    let at = -1
    for (const essential of ESSENTIAL[name] ?? []) {
      const next = lines.findIndex((line, index) => index > at && essential.test(line))
      expect(next, `${essential} after line ${at + 1} of:\n${lines.join('\n')}`).toBeGreaterThan(at)
      at = next
    }
  })

  it('are those that their README lists', () => {
    expect([...examples].sort()).toEqual(Object.keys(ESSENTIAL).sort())
    expect(listed).toEqual(expect.arrayContaining([...MEASUREMENTS]))
  })
})
