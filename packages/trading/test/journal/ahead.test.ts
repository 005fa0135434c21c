/** What is on the disk before the database has flushed it: in a log ahead of it, which a power cut leaves. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type AccountJournal, AccountLostError, type JournalEntry, JournalError } from '../../src/index.ts'
import { AheadFile } from '../../src/journal/ahead-file.ts'
import { AheadLog } from '../../src/journal/ahead-log.ts'
import { commandsAfter, PAGE_BYTES } from '../../src/journal/ahead-record.ts'
import { openJournal } from '../../src/journal/index.ts'
import type { AheadCommand } from '../../src/journal/journal-command.ts'
import { rejection } from '../support.ts'
import { intentCalled, orderCalled } from './intents.ts'

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-ahead-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** An order that is sent, as its owner writes it down. */
async function send(account: AccountJournal, clientOrderId: string): Promise<void> {
  await Promise.all([
    account.note({ type: 'intended', clientOrderId, at: 1, intent: intentCalled(clientOrderId) }, true),
    account.note({ type: 'sending', clientOrderId, at: 2, attempt: 1 }),
  ])
}

function accept(account: AccountJournal, clientOrderId: string): Promise<void> {
  return account.note({ type: 'accepted', clientOrderId, at: 3, order: orderCalled(clientOrderId) })
}

/**
 * What a power cut leaves at the worst: the log ahead as it is, and the database as it was when it was last flushed. */
class Disk {
  readonly #from: string
  #flushed = new Map<string, Buffer>()

  constructor(folder: string) {
    this.#from = folder
  }

  /** The database is as it is on the disk at this moment. */
  async isFlushed(): Promise<void> {
    for (const name of ['orders.db', 'orders.db-wal']) this.#flushed.set(name, await readFile(join(this.#from, name)))
  }

  /** @returns path of the journal that is left */
  async cut(): Promise<string> {
    const left = join(await newFolder(), 'left')
    await mkdir(left)
    for (const name of await logsIn(this.#from)) await copyFile(join(this.#from, name), join(left, name))
    for (const [name, content] of this.#flushed) await writeFile(join(left, name), content)
    return join(left, 'orders.db')
  }
}

async function logsIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.includes('-ahead-'))
}

/** A journal whose account was claimed, which has flushed it. Its clock stands still: nothing is brought into the database by itself. */
async function owned(folder: string): Promise<{ account: AccountJournal; disk: Disk; close: () => Promise<void> }> {
  const journal = await openJournal(join(folder, 'orders.db'), { clock: new VirtualClock() })
  onTestFinished(() => journal.close())
  const account = await journal.claim('alpaca')
  const disk = new Disk(folder)
  await disk.isFlushed()
  return { account, disk, close: () => journal.close() }
}

/** Whoever claims the account next. Its owner is this process, which lives: that he is dead shows in that he stands still. */
async function successor(path: string): Promise<{ entries: readonly JournalEntry[]; account: AccountJournal }> {
  const clock = new VirtualClock()
  const journal = await openJournal(path, { clock })
  onTestFinished(() => journal.close())
  const claiming = journal.claim('alpaca')
  let account: AccountJournal | undefined
  let failure: unknown
  claiming.then(
    (claimed) => {
      account = claimed
    },
    (error: unknown) => {
      failure = error
    },
  )
  while (account === undefined && failure === undefined) await clock.advance(1_000)
  if (account === undefined) throw failure
  return { entries: await account.unsettled(), account }
}

const states = (entries: readonly JournalEntry[]): string[] =>
  entries.map(({ clientOrderId, state }) => `${clientOrderId} ${state}`).sort()

describe('what was said to be written', () => {
  it('is there after a power cut that took everything from the database that it had not flushed', async () => {
    const { account, disk } = await owned(await newFolder())
    await send(account, 'order-1')
    await send(account, 'order-2')
    await accept(account, 'order-1')
    expect(await account.takeNumber(7)).toBe(7)
    await account.setKillSwitch({ engaged: true, by: 'ann', reason: 'drill', at: 7 })
    const left = await disk.cut()
    const { entries, account: next } = await successor(left)
    expect(states(entries)).toEqual(['order-2 sending'])
    expect(await next.find('order-1')).toMatchObject({ state: 'accepted', order: { id: 'id of order-1' } })
    expect(await next.takeNumber(1)).toBe(8)
    expect(await next.killSwitch()).toMatchObject({ engaged: true, by: 'ann' })
  })

  it('is there whenever the cut comes, also while a record is being written', async () => {
    const { account, disk } = await owned(await newFolder())
    const told: string[] = []
    const sent = Array.from({ length: 20 }, async (_, index) => {
      for (let step = 0; step < index; step++) await account.find('nothing')
      await send(account, `order-${index}`)
      told.push(`order-${index} sending`)
    })
    const cuts: Promise<void>[] = []
    for (let cut = 0; cut < 8; cut++) {
      await account.find('nothing')
      const toldUntilNow = [...told]
      const left = await disk.cut()
      cuts.push(
        successor(left).then(({ entries }) => expect(states(entries)).toEqual(expect.arrayContaining(toldUntilNow))),
      )
    }
    await Promise.all([...sent, ...cuts])
    expect(told).toHaveLength(20)
  })

  it('is there once and not twice when the database had it all', async () => {
    const { account, disk } = await owned(await newFolder())
    await send(account, 'order-1')
    await account.takeNumber(7)
    await disk.isFlushed()
    const { entries, account: next } = await successor(await disk.cut())
    expect(states(entries)).toEqual(['order-1 sending'])
    expect(await next.takeNumber(1)).toBe(8)
  })

  it('is there when the log has been written over more than once', async () => {
    const { account, disk } = await owned(await newFolder())
    // Each group of these takes a share of the log that makes it begin anew every 17 of them.
    const note = 'x'.repeat(240_000)
    for (let count = 0; count < 40; count++) {
      await account.setKillSwitch({ engaged: true, by: 'ann', reason: `${count} ${note}`, at: count })
      // What the database has flushed for the log to begin anew is on the disk.
      if (count % 5 === 0) await disk.isFlushed()
    }
    await send(account, 'order-1')
    const { entries, account: next } = await successor(await disk.cut())
    expect(states(entries)).toEqual(['order-1 sending'])
    expect((await next.killSwitch()).at).toBe(39)
  })

  it('is in the database alone where it is too much for the log at once', async () => {
    const folder = await newFolder()
    const { account, disk } = await owned(folder)
    await Promise.all(Array.from({ length: 1_000 }, (_, index) => send(account, `order-${index}`)))
    await disk.isFlushed()
    for (const name of await logsIn(folder)) {
      expect(commandsAfter(0, await readFile(join(folder, name)))).toEqual([])
    }
    const { entries } = await successor(await disk.cut())
    expect(entries).toHaveLength(1_000)
  })
})

describe('a log ahead', () => {
  /** What a journal leaves whose owner has sent three orders, one after another; its log is in one file. */
  async function threeOrders(): Promise<{ journal: string; log: string }> {
    const { account, disk } = await owned(await newFolder())
    for (const id of ['order-1', 'order-2', 'order-3']) await send(account, id)
    const journal = await disk.cut()
    const [log = ''] = await logsIn(join(journal, '..'))
    return { journal, log: join(journal, '..', log) }
  }

  async function spoil(log: string, page: number): Promise<void> {
    const content = await readFile(log)
    content.fill('?', page * PAGE_BYTES + 100, page * PAGE_BYTES + 120)
    await writeFile(log, content)
  }

  it('whose last record was written in part has those before it: nobody was told of it', async () => {
    const { journal, log } = await threeOrders()
    await spoil(log, 2)
    expect(states((await successor(journal)).entries)).toEqual(['order-1 sending', 'order-2 sending'])
  })

  it('that is damaged in the middle is not taken for one that ends there', async () => {
    const { journal, log } = await threeOrders()
    await spoil(log, 1)
    const error = await rejection(successor(journal))
    expect(error).toBeInstanceOf(JournalError)
    expect(String(error)).toContain('damaged')
    // The operator looked at it, and decided to go on with what the database has.
    for (const name of await logsIn(join(journal, '..'))) await rm(join(journal, '..', name))
    expect((await successor(journal)).entries).toEqual([])
  })

  it('can be read by a person: every record is a line of JSON', async () => {
    const { log } = await threeOrders()
    const lines = (await readFile(log, 'utf8')).split('\n').map((line) => line.trim())
    const records = lines.filter((line) => line !== '').map((line) => JSON.parse(line.slice(9)))
    expect(records.flat()).toMatchObject([
      { type: 'note', number: 1, event: { type: 'intended', clientOrderId: 'order-1' } },
      { type: 'note', number: 2, event: { type: 'sending' } },
      { number: 3 },
      { number: 4 },
      { number: 5 },
      { number: 6 },
    ])
  })

  it('is removed with its journal, and by whoever has taken what is in it', async () => {
    const folder = await newFolder()
    const { account, close, disk } = await owned(folder)
    expect(await logsIn(folder)).toHaveLength(1)
    await send(account, 'order-1')
    const left = join(await disk.cut(), '..')
    const { account: next } = await successor(join(left, 'orders.db'))
    await next.find('nothing')
    const [only, ...more] = await logsIn(left)
    expect(more).toEqual([])
    expect(only).toContain('-alpaca-2')
    await close()
    expect(await logsIn(folder)).toEqual([])
  })

  it('that was taken away says so to its owner, who had slept: what he writes then counts as lost', async () => {
    const folder = await newFolder()
    const { account } = await owned(folder)
    const lost = new Promise<Error>((resolve) => account.onLost(resolve))
    await send(account, 'order-1')
    const { entries } = await successor(join(folder, 'orders.db'))
    expect(states(entries)).toEqual(['order-1 sending'])
    expect(await rejection(send(account, 'order-2'))).toBeInstanceOf(AccountLostError)
    expect(await lost).toBeInstanceOf(AccountLostError)
  })

  it('is where it was also when the process changes its folder', async () => {
    const module = new URL('../../src/journal/index.ts', import.meta.url).href
    const program = `const { openJournal } = await import(${JSON.stringify(module)})
      const journal = await openJournal('orders.db')
      const account = await journal.claim('alpaca')
      process.chdir('/')
      console.log(await account.takeNumber(7))
      await journal.close()`
    const cwd = await newFolder()
    await writeFile(join(cwd, 'program.mjs'), program)
    const child = spawn(process.execPath, ['--conditions=development', 'program.mjs'], { cwd })
    onTestFinished(() => void child.kill('SIGKILL'))
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
    })
    expect(await once(child, 'close')).toEqual([0, null])
    expect(printed).toBe('7\n')
  })

  it('that cannot be made is a claim that fails, and leaves the account to others', async () => {
    const folder = await newFolder()
    const path = join(folder, 'orders.db')
    const journal = await openJournal(path)
    onTestFinished(() => journal.close())
    await mkdir(`${path}-ahead-alpaca-1`)
    expect(await rejection(journal.claim('alpaca'))).toBeInstanceOf(JournalError)
    await rm(`${path}-ahead-alpaca-1`, { recursive: true })
    await (await journal.claim('alpaca')).note({
      type: 'intended',
      clientOrderId: 'order-1',
      at: 1,
      intent: intentCalled('order-1'),
    })
  })

  it('of which a write has failed writes nothing more: what follows could not be believed', async () => {
    const path = join(await newFolder(), 'log')
    const file = await AheadFile.create(path)
    const log = new AheadLog('alpaca', file, async () => undefined)
    const command = (number: number): AheadCommand => ({
      type: 'takeNumber',
      account: 'alpaca',
      epoch: 1,
      number,
      atLeast: 1,
    })
    await log.append(command(1))
    await file.close()
    expect(await rejection(log.append(command(2)))).toBeInstanceOf(Error)
    const before = await readFile(path)
    expect(await rejection(log.append(command(3)))).toBeInstanceOf(Error)
    expect(await readFile(path)).toEqual(before)
  })
})

/** An account whose database fails, as if the disk were full, from `fail` until `mend`. */
async function failing(): Promise<{
  account: AccountJournal
  lost: Promise<Error>
  path: string
  fail: () => void
  mend: () => void
  close: () => Promise<void>
}> {
  const path = join(await newFolder(), 'orders.db')
  const journal = await openJournal(path)
  onTestFinished(() => journal.close())
  const account = await journal.claim('alpaca')
  const lost = new Promise<Error>((resolve) => account.onLost(resolve))
  const vandal = new DatabaseSync(path)
  onTestFinished(() => vandal.close())
  return {
    account,
    lost,
    path,
    fail: () => vandal.exec('ALTER TABLE events RENAME TO gone'),
    mend: () => vandal.exec('ALTER TABLE gone RENAME TO events'),
    close: () => journal.close(),
  }
}

describe('an order that is known to be new', () => {
  it('is refused what cannot follow, as any other', async () => {
    const { account } = await owned(await newFolder())
    await send(account, 'order-1')
    const again = { type: 'intended', clientOrderId: 'order-1', at: 1, intent: intentCalled('order-1') } as const
    expect(await rejection(account.note(again, true))).toBeInstanceOf(JournalError)
    await accept(account, 'order-1')
    const sending = { type: 'sending', clientOrderId: 'order-1', at: 4, attempt: 2 } as const
    expect(await rejection(account.note(sending))).toBeInstanceOf(JournalError)
    expect(await account.find('order-1')).toMatchObject({ state: 'accepted', attempts: 1 })
  })

  it('is written before the database is asked; that the database fails is told right after', async () => {
    const { account, lost, fail } = await failing()
    fail()
    await send(account, 'order-1')
    expect(await lost).toBeInstanceOf(JournalError)
  })

  it('is found by whoever is next when the database failed for a moment, and so is what came after it', async () => {
    const { account, lost, path, fail, mend, close } = await failing()
    await send(account, 'order-1')
    await account.find('order-1')
    fail()
    await send(account, 'order-2')
    await lost
    mend()
    await send(account, 'order-3')
    await close()
    const { entries } = await successor(path)
    expect(states(entries)).toEqual(['order-1 sending', 'order-2 sending', 'order-3 sending'])
  })

  it('is found by whoever is next also when the log should have begun anew after that', async () => {
    const { account, lost, path, fail, mend, close } = await failing()
    fail()
    await send(account, 'order-1')
    const reason = await lost
    mend()
    // More than the log can take at once: the database would have to have it.
    const large = { ...intentCalled('large'), symbol: 'X'.repeat(300_000) }
    const noted = account.note({ type: 'intended', clientOrderId: 'large', at: 1, intent: large }, true)
    expect(await rejection(noted)).toBe(reason)
    await close()
    expect(states((await successor(path)).entries)).toEqual(['order-1 sending'])
  })
})
