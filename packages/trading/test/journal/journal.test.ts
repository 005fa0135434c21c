/** What both journals promise, and what only the one on disk can. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { VirtualClock } from '@holdfast/testing'
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  AccountLostError,
  AccountTakenError,
  JournalError,
  type JournalEvent,
  memoryJournal,
  type OrderJournal,
} from '../../src/index.ts'
import { exportJournal, type JournalOptions, openJournal } from '../../src/journal/index.ts'
import { rejection } from '../support.ts'
import { intentCalled, orderCalled } from './intents.ts'

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-journal-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'orders.db')
}

async function opened(path: string, options?: JournalOptions): Promise<OrderJournal> {
  const journal = await openJournal(path, options)
  onTestFinished(() => journal.close())
  return journal
}

/** What befalls an order, as events. */
const events = (clientOrderId: string) =>
  ({
    intended: { type: 'intended', clientOrderId, at: 1, intent: intentCalled(clientOrderId) },
    sending: { type: 'sending', clientOrderId, at: 2, attempt: 1 },
    accepted: { type: 'accepted', clientOrderId, at: 3, order: orderCalled(clientOrderId) },
    refused: { type: 'refused', clientOrderId, at: 3, reason: 'no buying power', resendable: false },
    turnedAway: { type: 'refused', clientOrderId, at: 3, reason: 'too fast', resendable: true },
    neverSent: { type: 'never-sent', clientOrderId, at: 3, reason: 'connection refused' },
    inDoubt: { type: 'in-doubt', clientOrderId, at: 3, reason: 'socket hang up' },
    reconciled: { type: 'reconciled', clientOrderId, at: 4, order: orderCalled(clientOrderId), evidence: 'lookup' },
    unwanted: { type: 'unwanted', clientOrderId, at: 4 },
    resolved: { type: 'resolved', clientOrderId, at: 5, order: null, by: 'ann', note: 'asked the broker' },
  }) as const satisfies Record<string, JournalEvent>

const KINDS: readonly (readonly [string, (path: string) => Promise<OrderJournal>])[] = [
  ['in memory', async () => memoryJournal()],
  ['on disk', (path) => openJournal(path)],
]

describe.each(KINDS)('a journal %s', (_kind, make) => {
  let folder = ''
  let journal = memoryJournal()
  let count = 0
  /** An account of its own for every test. */
  const newAccount = (): string => `account-${count++}`

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'holdfast-journal-'))
    journal = await make(join(folder, 'orders.db'))
  })

  afterAll(async () => {
    await journal.close()
    await rm(folder, { recursive: true })
  })

  it('knows what it was told, and what is not settled', async () => {
    const account = await journal.claim(newAccount())
    const { intended, sending, accepted } = events('order-1')
    expect(await account.find('order-1')).toBeUndefined()
    await account.note(intended)
    expect(await account.find('order-1')).toMatchObject({ state: 'intended', attempts: 0 })
    await account.note(sending)
    expect(await account.find('order-1')).toMatchObject({ state: 'sending', attempts: 1, changedAt: 2 })
    expect(await account.unsettled()).toMatchObject([{ clientOrderId: 'order-1', intent: intended.intent }])
    await account.note(accepted)
    expect(await account.find('order-1')).toMatchObject({ state: 'accepted', order: { id: 'id of order-1' } })
    expect(await account.unsettled()).toEqual([])
  })

  it.each([
    ['intended, sending, refused', 'refused', false],
    ['intended, sending, turnedAway', 'refused', true],
    ['intended, neverSent', 'never-sent', true],
    ['intended, sending, neverSent', 'never-sent', true],
    ['intended, sending, neverSent, intended, sending, accepted', 'accepted', false],
    ['intended, sending, inDoubt', 'in-doubt', false],
    ['intended, sending, inDoubt, sending, accepted', 'accepted', false],
    ['intended, sending, inDoubt, reconciled', 'accepted', false],
    ['intended, sending, inDoubt, resolved', 'refused', false],
  ])('after %s has an order that is %s', async (way, state, resendable) => {
    const account = await journal.claim(newAccount())
    const all: Record<string, JournalEvent> = events('order-1')
    for (const step of way.split(', ')) {
      const event = all[step]
      if (event !== undefined) await account.note(event)
    }
    expect(await account.find('order-1')).toMatchObject({ state, resendable })
  })

  it.each([
    ['an order that it never heard of', []],
    ['an accepted order', ['intended', 'sending', 'accepted']],
    ['a refused order', ['intended', 'sending', 'refused']],
  ] as const)('refuses to send %s', async (_what, way) => {
    const account = await journal.claim(newAccount())
    for (const step of way) await account.note(events('order-1')[step])
    const before = await account.find('order-1')
    expect(await rejection(account.note(events('order-1').sending))).toBeInstanceOf(JournalError)
    expect(await account.find('order-1')).toEqual(before)
  })

  it('knows of an order in doubt that nobody wants any more, and forgets that with the doubt', async () => {
    const account = await journal.claim(newAccount())
    for (const step of ['intended', 'sending', 'unwanted', 'inDoubt'] as const)
      await account.note(events('order-1')[step])
    expect(await account.unsettled()).toMatchObject([{ state: 'in-doubt', isUnwanted: true }])
    await account.note(events('order-1').reconciled)
    expect(await account.unsettled()).toEqual([])
  })

  it('goes on telling of an order that an operator has denied, until the broker shows it', async () => {
    const account = await journal.claim(newAccount())
    for (const step of ['intended', 'sending', 'inDoubt', 'resolved'] as const)
      await account.note(events('order-1')[step])
    expect(await account.unsettled()).toMatchObject([{ clientOrderId: 'order-1', state: 'refused', isDenied: true }])
    await account.note(events('order-1').reconciled)
    expect(await account.unsettled()).toEqual([])
  })

  it('gives no number twice, and none below what is asked', async () => {
    const account = await journal.claim(newAccount())
    expect([await account.takeNumber(1), await account.takeNumber(1), await account.takeNumber(40)]).toEqual([1, 2, 40])
    // A gateway whose own numbers were rolled back asks for less.
    expect(await account.takeNumber(38)).toBe(41)
  })

  it('gives an account to one at a time', async () => {
    const name = newAccount()
    const account = await journal.claim(name)
    await journal.claim(newAccount())
    await account.release()
    const again = await journal.claim(name)
    await again.note(events('order-1').intended)
    expect(await again.unsettled()).toHaveLength(1)
  })

  it('remembers the kill switch', async () => {
    const name = newAccount()
    const account = await journal.claim(name)
    expect(await account.killSwitch()).toMatchObject({ engaged: false })
    await account.setKillSwitch({ engaged: true, by: 'ann', reason: 'drill', at: 7 })
    await account.release()
    const state = { engaged: true, by: 'ann', reason: 'drill', at: 7 }
    expect(await (await journal.claim(name)).killSwitch()).toEqual(state)
  })
})

describe('a journal in memory', () => {
  it('forgets the oldest of more than ten thousand settled orders, and nothing that is not settled', async () => {
    const account = await memoryJournal().claim('alpaca')
    await account.note(events('open').intended)
    for (let count = 0; count <= 10_000; count++) {
      for (const step of ['intended', 'neverSent'] as const) await account.note(events(`order-${count}`)[step])
    }
    expect(await account.find('order-0')).toBeUndefined()
    expect(await account.find('order-1')).toMatchObject({ state: 'never-sent' })
    expect(await account.unsettled()).toMatchObject([{ clientOrderId: 'open' }])
  })
})

describe('a journal on disk', () => {
  it('of the first version is read, and goes on', async () => {
    const path = await newFile()
    const old = new DatabaseSync(path)
    old.exec(`PRAGMA journal_mode = WAL;
      CREATE TABLE accounts (
        account TEXT PRIMARY KEY, epoch INTEGER NOT NULL, owner TEXT, beats INTEGER NOT NULL,
        last_number INTEGER NOT NULL, kill_switch TEXT NOT NULL
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE events (
        seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, account TEXT NOT NULL, client_order_id TEXT NOT NULL,
        type TEXT NOT NULL, event TEXT NOT NULL
      ) STRICT;
      CREATE TABLE unsettled (
        account TEXT NOT NULL, client_order_id TEXT NOT NULL, intended_at INTEGER NOT NULL, entry TEXT NOT NULL,
        PRIMARY KEY (account, client_order_id)
      ) STRICT, WITHOUT ROWID;
      CREATE TABLE settled (
        account TEXT NOT NULL, client_order_id TEXT NOT NULL, intended_at INTEGER NOT NULL, entry TEXT NOT NULL,
        PRIMARY KEY (account, client_order_id)
      ) STRICT, WITHOUT ROWID;
      PRAGMA user_version = 1;
      INSERT INTO accounts VALUES ('alpaca', 3, NULL, 12, 7, '{"engaged":true,"by":"ann","reason":"drill","at":7}')`)
    old.close()
    const account = await (await opened(path)).claim('alpaca')
    expect(await account.killSwitch()).toMatchObject({ engaged: true, by: 'ann' })
    expect(await account.takeNumber(1)).toBe(8)
    await account.note(events('order-1').intended)
    expect(await account.unsettled()).toHaveLength(1)
  })

  it('has everything again when it is opened again', async () => {
    const path = await newFile()
    const first = await openJournal(path)
    const account = await first.claim('alpaca')
    const { intended, sending } = events('order-1')
    await Promise.all([account.note(intended), account.note(sending), account.takeNumber(7)])
    await first.close()
    const again = await (await opened(path)).claim('alpaca')
    expect(await again.unsettled()).toMatchObject([{ clientOrderId: 'order-1', state: 'sending', attempts: 1 }])
    expect(await again.takeNumber(1)).toBe(8)
  })

  it('writes what comes at once in one transaction', async () => {
    const path = await newFile()
    const account = await (await opened(path)).claim('alpaca')
    const watcher = new DatabaseSync(path, { readOnly: true })
    onTestFinished(() => watcher.close())
    const versions = new Set<unknown>()
    const noted = Array.from({ length: 500 }, async (_, index) => {
      await account.note(events(`order-${index}`).intended)
      versions.add(watcher.prepare('PRAGMA data_version').get()?.data_version)
    })
    await Promise.all(noted)
    expect(versions.size).toBe(1)
  })

  it('is exported as JSON lines while it is in use', async () => {
    const path = await newFile()
    const account = await (await opened(path)).claim('alpaca')
    const { intended, sending, accepted } = events('order-1')
    for (const event of [intended, sending, accepted]) await account.note(event)
    const lines = [...exportJournal(path)].map((line) => JSON.parse(line))
    expect(lines).toEqual(
      [intended, sending, accepted].map((event, index) => ({ seq: index + 1, account: 'alpaca', ...event })),
    )
    expect([...exportJournal(path, { after: 2 })]).toHaveLength(1)
  })

  it('forgets what was settled long ago, and nothing that is in doubt', async () => {
    const path = await newFile()
    const clock = new VirtualClock({ wallTime: 10 })
    const journal = await opened(path, { clock, retentionDays: 30 })
    const account = await journal.claim('alpaca')
    for (const step of ['intended', 'sending', 'accepted'] as const) await account.note(events('old')[step])
    for (const step of ['intended', 'sending', 'inDoubt'] as const) await account.note(events('doubted')[step])
    await account.release()
    await journal.close()
    const later = await opened(path, { clock: new VirtualClock({ wallTime: 31 * 86_400_000 }), retentionDays: 30 })
    const again = await later.claim('alpaca')
    expect(await again.find('old')).toBeUndefined()
    expect(await again.find('doubted')).toMatchObject({ state: 'in-doubt' })
    expect([...exportJournal(path)]).toHaveLength(3)
  })

  it('that is none is refused, whatever it is', async () => {
    const path = await newFile()
    await writeFile(path, 'this is no database, it is a text that is long enough to be taken for one '.repeat(20))
    expect(String(await rejection(openJournal(path)))).toContain('cannot be used as a journal')
    expect(await rejection(openJournal(join(path, 'below', 'a file')))).toBeInstanceOf(JournalError)
    expect(() => [...exportJournal(path)]).toThrow(JournalError)
    const newer = await newFile()
    const database = new DatabaseSync(newer)
    database.exec('PRAGMA user_version = 99')
    database.close()
    expect(String(await rejection(openJournal(newer)))).toContain('newer version')
  })

  it('that cannot be opened keeps no process alive', async () => {
    const path = await newFile()
    await writeFile(path, 'no database at all, and longer than a header would be'.repeat(20))
    const module = new URL('../../src/journal/index.ts', import.meta.url).href
    const program = `const { openJournal } = await import(${JSON.stringify(module)})
      await openJournal(${JSON.stringify(path)}).catch((error) => console.log(error.message))`
    // A file, because a thread of a program that is given as a text cannot start, and would be what cannot be opened.
    await writeFile(`${path}.mjs`, program)
    const child = spawn(process.execPath, ['--conditions=development', `${path}.mjs`])
    onTestFinished(() => void child.kill('SIGKILL'))
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
    })
    expect(await once(child, 'exit')).toEqual([0, null])
    expect(printed).toContain('cannot be used as a journal: file is not a database')
  })

  it('that cannot be written any more says so to whoever writes and to its owner', async () => {
    const path = await newFile()
    const account = await (await opened(path)).claim('alpaca')
    const lost = new Promise<Error>((resolve) => account.onLost(resolve))
    const vandal = new DatabaseSync(path)
    vandal.exec('DROP TABLE events')
    vandal.close()
    expect(await rejection(account.note(events('order-1').intended))).toBeInstanceOf(JournalError)
    expect(await lost).toBeInstanceOf(JournalError)
  })

  it('refuses options that make no sense', async () => {
    const path = await newFile()
    expect(String(await rejection(openJournal(path, { leaseMs: 0 })))).toContain('leaseMs is 0')
    expect(String(await rejection(openJournal(path, { retentionDays: Number.NaN })))).toContain('retentionDays is NaN')
  })
})

/** A process that owns an account, and tells what it has written. */
async function startOwner(
  path: string,
  parallel = 0,
): Promise<{ readonly child: ChildProcess; readonly written: string[] }> {
  const program = fileURLToPath(new URL('../programs/journal-owner.ts', import.meta.url))
  const args = ['--conditions=development', program, path, 'alpaca', String(parallel)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const written: string[] = []
  let rest = ''
  await new Promise<void>((resolve) => {
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      written.push(...lines.filter((line) => line !== 'claimed'))
      if (lines.includes('claimed')) resolve()
    })
  })
  return { child, written }
}

async function killed(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'close')
}

describe('the ownership of an account', () => {
  it('ends at once with the process that had it, killed or not, and everything that it was told was written is there', async () => {
    const path = await newFile()
    for (let round = 0; round < 2; round++) {
      const { child, written } = await startOwner(path, 8)
      while (written.length < 200) await once(child.stdout ?? child, 'data')
      await killed(child)
      // No time passes on this clock, so nothing can be waited for.
      const journal = await openJournal(path, { clock: new VirtualClock() })
      const account = await journal.claim('alpaca')
      const known = new Set((await account.unsettled()).map(({ clientOrderId }) => clientOrderId))
      expect(written.filter((id) => !known.has(id))).toEqual([])
      await journal.close()
    }
  })

  it('is not had while its owner lives', async () => {
    const path = await newFile()
    const { child } = await startOwner(path, 1)
    const clock = new VirtualClock()
    const claiming = rejection((await opened(path, { clock })).claim('alpaca'))
    const watcher = new DatabaseSync(path, { readOnly: true })
    onTestFinished(() => watcher.close())
    const beats = (): unknown => watcher.prepare('SELECT beats FROM accounts').get()?.beats
    while (clock.pendingTimersThatKeepAlive === 0) await clock.settle()
    const before = beats()
    await vi.waitFor(() => expect(beats()).not.toBe(before), { timeout: 20_000 })
    await clock.advance(10_000)
    const error = await claiming
    expect(error).toBeInstanceOf(AccountTakenError)
    expect(String(error)).toContain(`process ${child.pid}`)
  })

  it('passes to another when its owner stands still, and the owner, once awake, writes nothing more', async () => {
    const path = await newFile()
    const sleeping = new VirtualClock()
    const old = await (await opened(path, { clock: sleeping })).claim('alpaca')
    await old.note(events('order-1').intended)
    const lost = new Promise<Error>((resolve) => old.onLost(resolve))
    const clock = new VirtualClock()
    const claiming = (await opened(path, { clock })).claim('alpaca')
    // The owner's clock stands still: no sign of life, as from a process that is suspended.
    let current: Awaited<typeof claiming> | undefined
    void claiming.then((account) => {
      current = account
    })
    while (current === undefined) await clock.advance(1_000)
    expect(await current.unsettled()).toMatchObject([{ clientOrderId: 'order-1' }])
    expect(await rejection(old.note(events('order-1').sending))).toBeInstanceOf(AccountLostError)
    expect(await rejection(old.takeNumber(1))).toBeInstanceOf(AccountLostError)
    expect(await lost).toBeInstanceOf(AccountLostError)
    expect(await current.find('order-1')).toMatchObject({ state: 'intended' })
  })
})
