/** What the journal costs: the wait before an order may leave, and how many can come. */
import { randomUUID } from 'node:crypto'
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AccountJournal, Order, PreparedOrder } from '@holdfast/trading'
import { openJournal } from '@holdfast/trading/journal'
import { systemClock } from 'holdfast'
import { atLeast, atMost, type Exercise, percentile } from '../exercise.ts'

/** Orders that come alone, each compared with a flush of the disk right after. */
const ALONE = 600

/** Orders a second. */
const RATE = 1_000

/** What a database writes at the least. */
const PAGE = Buffer.alloc(4_096, 1)

export const journal: Exercise = {
  name: 'journal',
  title: 'The journal: the wait before an order may leave, and 1,000 orders a second',
  async run({ journalSeconds }, _seed, tick) {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-drill-'))
    const opened = await openJournal(join(folder, 'orders.db'))
    const file = openSync(join(folder, 'pages'), 'w')
    try {
      const account = await opened.claim('drill')
      const of = ALONE + journalSeconds * RATE
      const alone = await ordersAlone(account, file, (done) => tick(done, of))
      const steady = await ordersAtRate(account, journalSeconds, (done) => tick(ALONE + done, of))
      return {
        figures: [
          atMost(
            'wait of an order, p50',
            percentile(alone.waits, 0.5),
            percentile(alone.flushes, 0.5),
            'ms (one flush)',
          ),
          atLeast('orders a second, sustained', steady.perSecond, RATE * 0.99, ''),
        ],
        details: {
          'wait of an order p50, p99 (ms)': both(alone.waits),
          'write and flush of one page p50, p99 (ms)': both(alone.flushes),
          [`wait at ${RATE} orders a second p50, p99 (ms)`]: both(steady.waits),
        },
      }
    } finally {
      closeSync(file)
      await opened.close()
      await rm(folder, { recursive: true })
    }
  },
}

async function ordersAlone(account: AccountJournal, file: number, tick: (done: number) => void) {
  const waits: number[] = []
  const flushes: number[] = []
  for (let count = 0; count < ALONE; count++) {
    const { wait, written } = await writeAhead(account)
    waits.push(wait)
    await written
    const startedAt = systemClock.now()
    writeSync(file, PAGE)
    fsyncSync(file)
    flushes.push(systemClock.now() - startedAt)
    tick(count)
  }
  return { waits, flushes }
}

async function ordersAtRate(account: AccountJournal, seconds: number, tick: (done: number) => void) {
  const waits: number[] = []
  const ends: number[] = []
  const orders: Promise<void>[] = []
  const order = async (): Promise<void> => {
    const { wait, written } = await writeAhead(account)
    waits.push(wait)
    await written
    ends.push(systemClock.now() - startedAt)
  }
  const startedAt = systemClock.now()
  const total = seconds * RATE
  while (orders.length < total) {
    const due = Math.min(total, Math.floor(((systemClock.now() - startedAt) * RATE) / 1_000))
    while (orders.length < due) orders.push(order())
    tick(waits.length)
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 1))
  }
  await Promise.all(orders)
  // In the middle, where neither the beginning nor the end counts.
  const [from, to] = [seconds * 250, seconds * 1_000]
  const ended = ends.filter((end) => end >= from && end < to).length
  return { waits, perSecond: ended / ((to - from) / 1_000) }
}

/** What an order waits for before it may leave, and what is written when the broker has it. */
async function writeAhead(
  account: AccountJournal,
): Promise<{ readonly wait: number; readonly written: Promise<unknown> }> {
  const clientOrderId = randomUUID()
  const at = systemClock.wallTime()
  const startedAt = systemClock.now()
  await Promise.all([
    account.note({ type: 'intended', clientOrderId, at, intent: intentOf(clientOrderId) }, true),
    account.note({ type: 'sending', clientOrderId, at, attempt: 1 }),
  ])
  const wait = systemClock.now() - startedAt
  return { wait, written: account.note({ type: 'accepted', clientOrderId, at, order: orderOf(clientOrderId, at) }) }
}

function both(sample: readonly number[]): string {
  return `${percentile(sample, 0.5).toFixed(2)}, ${percentile(sample, 0.99).toFixed(2)}`
}

function intentOf(clientOrderId: string): PreparedOrder {
  return {
    kind: 'order',
    clientOrderId,
    symbol: 'AAPL',
    side: 'buy',
    quantity: '10',
    type: 'limit',
    limitPrice: '187.25',
    stopPrice: null,
    timeInForce: 'day',
  }
}

function orderOf(clientOrderId: string, submittedAt: number): Order {
  const { symbol, side, type, quantity, limitPrice, stopPrice } = intentOf(clientOrderId)
  const filled = { filledQuantity: '0', averageFillPrice: null, status: 'new', isOpen: true }
  return {
    id: randomUUID(),
    clientOrderId,
    symbol,
    side,
    type,
    quantity,
    limitPrice,
    stopPrice,
    ...filled,
    submittedAt,
  }
}
