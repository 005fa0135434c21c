/** What is on the disk before the database has flushed it: in a log ahead of it, which a power cut leaves. */
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AccountLostError, type AccountJournal, JournalError, type JournalEntry } from '../../src/index.ts'
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
 * What a power cut leaves at the worst: the log ahead as it is now, and the database as it was when it was last flushed.
 * Its file is looked at first, because the cut comes at one moment.
 */
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

/** What whoever claims the account next finds unsettled. */
async function foundBy(path: string): Promise<{ entries: readonly JournalEntry[]; account: AccountJournal }> {
  const journal = await openJournal(path, { clock: new VirtualClock() })
  onTestFinished(() => journal.close())
  // The owner is this process, which lives: who stood still all the while is dead.
  const account = await claimedFromTheDead(path)
  await journal.close()
  return account
}

async function claimedFromTheDead(path: string): Promise<{ entries: readonly JournalEntry[]; account: AccountJournal }> {
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
