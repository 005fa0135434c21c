/** What happened over time: a row a service and second for an hour, a row a service and minute for thirty days. */
import type { DatabaseSync } from 'node:sqlite'
import type { ExampleCall, Happening, Series, ServiceSecond, ShownState } from '@holdfast/console/api'
import { transaction } from '../state/database.ts'
import { numberIn, numberOrNull, type Row, textIn, textOrNull } from '../state/rows.ts'

/** How many seconds and minutes of running are kept. Counted, not dated: a clock that jumps forgets nothing. */
export const KEPT_SECONDS = 3_600
export const KEPT_MINUTES = 43_200

/** How many happenings are kept. */
const KEPT_HAPPENINGS = 100_000

const COLUMNS = `
  service TEXT NOT NULL, at INTEGER NOT NULL, tick INTEGER NOT NULL, succeeded INTEGER NOT NULL, failed INTEGER NOT NULL,
  cancelled INTEGER NOT NULL, refused_circuit INTEGER NOT NULL, refused_limit INTEGER NOT NULL,
  refused_slots INTEGER NOT NULL, retries INTEGER NOT NULL, timeouts INTEGER NOT NULL, p50 REAL, p90 REAL, p99 REAL,
  active INTEGER NOT NULL, queued INTEGER NOT NULL, tokens REAL, state INTEGER NOT NULL`

/** The tables. `at` is in seconds since 1970. */
export const HISTORY_SCHEMA = `
  CREATE TABLE IF NOT EXISTS second (${COLUMNS}, examples TEXT, PRIMARY KEY (service, at)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS second_by_tick ON second (tick);
  CREATE TABLE IF NOT EXISTS minute (${COLUMNS}, PRIMARY KEY (service, at)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS minute_by_tick ON minute (tick);
  CREATE TABLE IF NOT EXISTS happening (
    id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, service TEXT, state TEXT, text TEXT NOT NULL, who TEXT
  );
  CREATE INDEX IF NOT EXISTS happening_by_time ON happening (at);`

/** From the best to the worst, so that the worst of several is the greatest. */
const STATES: readonly ShownState[] = ['CLOSED', 'DISABLED', 'PAUSED', 'HALF_OPEN', 'OPEN']

/** What a clock that went back writes a second time is added up. */
const ADD_SECOND = `
  INSERT INTO second VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET tick = excluded.tick, succeeded = succeeded + excluded.succeeded,
    failed = failed + excluded.failed, cancelled = cancelled + excluded.cancelled,
    refused_circuit = refused_circuit + excluded.refused_circuit, refused_limit = refused_limit + excluded.refused_limit,
    refused_slots = refused_slots + excluded.refused_slots, retries = retries + excluded.retries,
    timeouts = timeouts + excluded.timeouts, p50 = excluded.p50, p90 = excluded.p90, p99 = excluded.p99,
    active = excluded.active, queued = excluded.queued, tokens = excluded.tokens, state = MAX(state, excluded.state),
    examples = COALESCE(excluded.examples, examples)`

const MERGED = `
  SUM(succeeded) AS succeeded, SUM(failed) AS failed, SUM(cancelled) AS cancelled,
  SUM(refused_circuit) AS refused_circuit, SUM(refused_limit) AS refused_limit, SUM(refused_slots) AS refused_slots,
  SUM(retries) AS retries, SUM(timeouts) AS timeouts, AVG(p50) AS p50, AVG(p90) AS p90, MAX(p99) AS p99,
  MAX(active) AS active, MAX(queued) AS queued, MIN(tokens) AS tokens, MAX(state) AS state`

const ROLL_UP = `
  INSERT OR REPLACE INTO minute SELECT service, at / 60 * 60, ?, ${MERGED.replaceAll(/ AS \w+/g, '')}
  FROM second WHERE at >= ? AND at < ? GROUP BY service, at / 60`

/** Which part of the history is asked for. Times in milliseconds since 1970. */
export interface HistoryRange {
  readonly from: number
  readonly to: number
  readonly stepMs: number
  readonly service?: string | undefined
}

/** Keeps the history in SQLite. */
export class HistoryStore {
  readonly #database: DatabaseSync
  #tick: number
  /** The number of the minute that is being filled. */
  #minuteTick: number
  /** The minute that is being filled, in seconds since 1970. */
  #minute: number | undefined

  constructor(database: DatabaseSync) {
    this.#database = database
    this.#tick = this.#greatest('second')
    this.#minuteTick = this.#greatest('minute') + 1
    const last = database.prepare('SELECT MAX(at) AS at FROM second WHERE tick = ?').get(this.#tick)
    const at = last === undefined ? null : numberOrNull(last, 'at')
    // The minute that was not full when the gateway was killed.
    if (at !== null) this.#rollUp(Math.floor(at / 60) * 60)
  }

  /** Adds one second of all services. @param at its beginning, in milliseconds since 1970 */
  addSecond(at: number, services: readonly ServiceSecond[]): void {
    const second = Math.floor(at / 1_000)
    const minute = Math.floor(second / 60) * 60
    const tick = ++this.#tick
    const insert = this.#database.prepare(ADD_SECOND)
    transaction(this.#database, () => {
      for (const row of services) insert.run(...valuesOf(row, second, tick))
      if (this.#minute !== undefined && this.#minute !== minute) {
        this.#rollUp(this.#minute)
        this.#minuteTick++
        this.#prune()
      }
    })
    this.#minute = minute
  }

  /** Adds what happened. @returns the same with its number */
  addHappening(happening: Omit<Happening, 'id'>): Happening {
    const { at, kind, service, state, text, who } = happening
    const { lastInsertRowid } = this.#database
      .prepare('INSERT INTO happening (at, kind, service, state, text, who) VALUES (?, ?, ?, ?, ?, ?)')
      .run(at, kind, service, state, text, who)
    return { id: Number(lastInsertRowid), ...happening }
  }

  /** What happened between two moments, the oldest first; of more than `limit` the newest. */
  happenings(range: {
    readonly from?: number
    readonly to?: number
    readonly service?: string | undefined
    readonly limit: number
  }): readonly Happening[] {
    const { from = 0, to = Number.MAX_SAFE_INTEGER, service = null, limit } = range
    return this.#database
      .prepare(
        `SELECT * FROM happening WHERE at >= ? AND at <= ? AND (? IS NULL OR service = ? OR service IS NULL)
         ORDER BY id DESC LIMIT ?`,
      )
      .all(from, to, service, service, limit)
      .map(happeningOf)
      .reverse()
  }

  /** The values of the services in that range, in steps. */
  series({ from, to, stepMs, service }: HistoryRange): Record<string, Series> {
    const step = Math.max(1, Math.round(stepMs / 1_000))
    if (step >= 60 && this.#minute !== undefined) this.#rollUp(this.#minute)
    const table = step >= 60 ? 'minute' : 'second'
    // A whole number in the text: as a parameter it would be a fraction's divisor.
    const bucket = `at / ${step} * ${step}`
    const rows = this.#database
      .prepare(
        `SELECT service, ${bucket} AS bucket, ${MERGED} FROM ${table}
         WHERE at >= ? AND at < ? AND (? IS NULL OR service = ?) GROUP BY service, bucket ORDER BY service, bucket`,
      )
      .all(Math.floor(from / 1_000), Math.ceil(to / 1_000), service ?? null, service ?? null)
    const byService = new Map<string, Row[]>()
    for (const row of rows) {
      const name = textIn(row, 'service')
      const known = byService.get(name)
      if (known === undefined) byService.set(name, [row])
      else known.push(row)
    }
    return Object.fromEntries([...byService].map(([name, own]) => [name, seriesOf(own)]))
  }

  /** Calls to look at, of one service, the newest first. */
  examples({ from, to, service }: HistoryRange, limit: number): (ExampleCall & { count: number })[] {
    return this.#database
      .prepare(
        `SELECT examples FROM second WHERE service = ? AND at >= ? AND at < ? AND examples IS NOT NULL
         ORDER BY at DESC LIMIT ?`,
      )
      .all(service ?? '', Math.floor(from / 1_000), Math.ceil(to / 1_000), limit)
      .flatMap((row): (ExampleCall & { count: number })[] => JSON.parse(textIn(row, 'examples')))
      .slice(0, limit)
  }

  /** Writes down the minute that is not over yet. */
  flush(): void {
    if (this.#minute !== undefined) this.#rollUp(this.#minute)
  }

  #rollUp(minute: number): void {
    this.#database.prepare(ROLL_UP).run(this.#minuteTick, minute, minute + 60)
  }

  #prune(): void {
    this.#database.prepare('DELETE FROM second WHERE tick <= ?').run(this.#tick - KEPT_SECONDS)
    this.#database.prepare('DELETE FROM minute WHERE tick <= ?').run(this.#minuteTick - KEPT_MINUTES)
    this.#database.prepare('DELETE FROM happening WHERE id <= (SELECT MAX(id) FROM happening) - ?').run(KEPT_HAPPENINGS)
  }

  #greatest(table: 'second' | 'minute'): number {
    const row = this.#database.prepare(`SELECT MAX(tick) AS tick FROM ${table}`).get()
    return row === undefined ? 0 : (numberOrNull(row, 'tick') ?? 0)
  }
}

function valuesOf(row: ServiceSecond, second: number, tick: number): (string | number | null)[] {
  const { service, succeeded, failed, cancelled, refused, retries, timeouts, p50Ms, p90Ms, p99Ms } = row
  const { circuit, limit, slots } = refused
  const { active, queued, tokens, state, examples } = row
  const looked = examples.length === 0 ? null : JSON.stringify(examples)
  return [
    ...[service, second, tick, succeeded, failed, cancelled, circuit, limit, slots, retries, timeouts],
    ...[p50Ms, p90Ms, p99Ms, active, queued, tokens, STATES.indexOf(state), looked],
  ]
}

function seriesOf(rows: readonly Row[]): Series {
  const numbers = (column: string): number[] => rows.map((row) => numberIn(row, column))
  const maybe = (column: string): (number | null)[] => rows.map((row) => numberOrNull(row, column))
  return {
    at: numbers('bucket').map((second) => second * 1_000),
    succeeded: numbers('succeeded'),
    failed: numbers('failed'),
    refusedCircuit: numbers('refused_circuit'),
    refusedLimit: numbers('refused_limit'),
    refusedSlots: numbers('refused_slots'),
    retries: numbers('retries'),
    timeouts: numbers('timeouts'),
    p50Ms: maybe('p50'),
    p99Ms: maybe('p99'),
    active: numbers('active'),
    queued: numbers('queued'),
    tokens: maybe('tokens'),
    state: numbers('state').map((rank) => STATES[rank] ?? 'CLOSED'),
  }
}

const KINDS: readonly Happening['kind'][] = ['circuit', 'act', 'orders', 'rehearsal', 'gateway']

function happeningOf(row: Row): Happening {
  const kind = textIn(row, 'kind')
  const state = textOrNull(row, 'state')
  return {
    id: numberIn(row, 'id'),
    at: numberIn(row, 'at'),
    kind: KINDS.find((known) => known === kind) ?? 'gateway',
    service: textOrNull(row, 'service'),
    state: STATES.find((known) => known === state) ?? null,
    text: textIn(row, 'text'),
    who: textOrNull(row, 'who'),
  }
}
