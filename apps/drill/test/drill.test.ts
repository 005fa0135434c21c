/** A short drill: the same exercises as `npm run drill`, with less of everything. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { QUICK, readArguments, UsageError } from '../src/arguments.ts'
import { cancels } from '../src/cancels/cancels-exercise.ts'
import { EXERCISES } from '../src/exercises.ts'
import { killDrill } from '../src/kills/kill-drill.ts'
import { verdictOf } from '../src/kills/verdict.ts'
import { limits } from '../src/limits/limits-exercise.ts'
import { isPassed, markdown, type Report } from '../src/report/report.ts'

const NAMES = EXERCISES.map(({ name }) => name)

describe('a hundred orders under faults, the gateway killed three times', () => {
  it('are executed once each, and none is lost', { timeout: 240_000 }, async () => {
    const ticks: number[] = []
    const result = await killDrill({
      broker: 'alpaca',
      orders: 100,
      kills: 3,
      seed: 11,
      atOnce: 24,
      tick: (done) => ticks.push(done),
    })
    expect(result).toMatchObject({ intents: 100, executedOnce: 100, doubled: 0, lost: 0, untrue: 0, kills: 3 })
    // It was not for nothing: attempts were repeated, and orders were in doubt.
    expect(result.attempts).toBeGreaterThan(100)
    expect(result.everInDoubt).toBeGreaterThan(0)
    expect(ticks).toHaveLength(100)
  })
})

describe('a hundred orders to Interactive Brokers under faults, the gateway killed twice', () => {
  it('are executed once at the most, and none is lost', { timeout: 240_000 }, async () => {
    const tick = (): void => undefined
    const result = await killDrill({ broker: 'ib', orders: 100, kills: 2, seed: 11, atOnce: 24, tick })
    expect(result).toMatchObject({ intents: 100, doubled: 0, lost: 0, untrue: 0, kills: 2 })
    expect(result.executedOnce).toBeGreaterThanOrEqual(100 - result.inDoubt - result.refused)
    expect(result.everInDoubt).toBeGreaterThan(0)
  })
})

describe('half a minute of the market’s clock', () => {
  it('with twice as much wanted as providers allow exceeds no limit', { timeout: 120_000 }, async () => {
    const { figures } = await limits.run({ ...QUICK, limitMinutes: 0.5 }, 11, () => undefined)
    expect(figures).toHaveLength(11)
    expect(figures.filter(({ isMet }) => !isMet)).toEqual([])
  })
})

describe('two seconds of reads at three times the limit', () => {
  it('let every cancellation through', { timeout: 120_000 }, async () => {
    const { figures } = await cancels.run({ ...QUICK, cancelSeconds: 2 }, 11, () => undefined)
    const succeeded = figures.filter(({ unit }) => unit === '%')
    expect(succeeded.map(({ measured }) => measured)).toEqual([100, 100])
  })
})

describe('the verdict', () => {
  /** A journal with these events. */
  function journalWith(events: readonly object[]): string {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-verdict-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'orders.db')
    const database = new DatabaseSync(path)
    database.exec('CREATE TABLE events (seq INTEGER PRIMARY KEY, account TEXT, event TEXT)')
    for (const event of events) {
      database.prepare("INSERT INTO events (account, event) VALUES ('alpaca', ?)").run(JSON.stringify(event))
    }
    database.close()
    return path
  }

  const submitted = (intent: string) => ({
    seq: 1,
    t: 0,
    kind: 'submit' as const,
    id: intent,
    clientOrderId: intent,
    intent,
    symbol: 'AAPL',
    side: 'buy',
    qty: '1',
    attempt: 1,
    acked: true,
    faultId: null,
  })

  it('finds orders that were doubled, lost, or said to be what they are not', () => {
    const journal = journalWith([
      { clientOrderId: 'doubled', type: 'accepted' },
      { clientOrderId: 'lost', type: 'sending' },
      { clientOrderId: 'listed', type: 'in-doubt' },
      { clientOrderId: 'invented', type: 'accepted' },
      { clientOrderId: 'denied', type: 'refused' },
      { clientOrderId: 'well', type: 'reconciled' },
    ])
    const ids = ['doubled', 'lost', 'listed', 'invented', 'denied', 'well', 'unheard-of']
    const ledger = [...['doubled', 'doubled', 'denied', 'well'].map(submitted)]
    const verdict = verdictOf({ ids, told: new Map(), ledger, journal, listed: new Set(['listed']) })
    expect(verdict).toMatchObject({
      intents: 7,
      executedOnce: 2,
      doubled: 1,
      lost: 2,
      accepted: 3,
      refused: 1,
      inDoubt: 1,
      untrue: 2,
      attempts: 1,
      everInDoubt: 1,
    })
  })
})

describe('the command line', () => {
  it('does everything unless told otherwise, and keeps only a whole drill', () => {
    expect(readArguments([], NAMES, 'results')).toMatchObject({
      exercises: NAMES,
      effort: { orders: 10_000, kills: 50 },
      seed: 1,
      output: 'results',
    })
    expect(readArguments(['journal', '--seed', '7'], NAMES, 'results')).toMatchObject({
      exercises: ['journal'],
      command: 'npm run drill -- journal --seed 7',
      seed: 7,
      output: undefined,
    })
  })

  it.each([[['everything']], [['--seed', '-1']], [['--orders', 'many']], [['--fast']]])('refuses %s', (args) => {
    expect(() => readArguments(args, NAMES, 'results')).toThrow(UsageError)
  })
})

describe('the report', () => {
  const report: Report = {
    at: '2026-01-05 10:00',
    node: '24.0.0',
    cpu: 'a CPU',
    cores: 2,
    seed: 7,
    command: 'npm run drill -- --seed 7',
    exercises: [
      {
        name: 'kills',
        title: 'Kills',
        figures: [{ what: 'doubled', measured: 0, unit: '', bar: '0', isMet: true }],
        details: { orders: 10_000 },
      },
    ],
  }

  it('says what was measured and what it must be, and how to do it again', () => {
    expect(markdown(report)).toContain('`npm run drill -- --seed 7`')
    expect(markdown(report)).toContain('| doubled | 0 | 0 | met |')
    expect(markdown(report)).toContain('| orders | 10,000 |')
  })

  it('does not pass if one figure is missed', () => {
    expect(isPassed(report)).toBe(true)
    const missed = { what: 'lost', measured: 1, unit: '', bar: '0', isMet: false }
    const [exercise] = report.exercises
    if (exercise === undefined) throw new Error('there is an exercise')
    expect(isPassed({ ...report, exercises: [{ ...exercise, figures: [missed] }] })).toBe(false)
  })
})
