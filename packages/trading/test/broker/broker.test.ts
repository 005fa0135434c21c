/** A broker that is closed, and options that make no sense. */
import { describe, expect, it } from 'vitest'
import { JournalError, memoryJournal, NotReadyError, type OrderJournal } from '../../src/index.ts'
import { rejection } from '../support.ts'
import { after, order, startDesk } from './desk.ts'
import { HANGS_BEFORE } from './simulated-broker.ts'

describe('a broker', () => {
  it('that is closed sends nothing more, and waits for what is on the wire', async () => {
    const { broker, clock, exchange, adapter } = startDesk()
    const onWire = broker.submitOrder(order)
    await clock.advance(1)
    const closed = broker.close()
    expect(await broker.submitOrder(order)).toMatchObject({ status: 'never-sent', cause: expect.any(NotReadyError) })
    await clock.advance(100)
    expect(await onWire).toMatchObject({ status: 'accepted' })
    await closed
    expect(adapter.sent).toHaveLength(1)
    expect(exchange.executions((await onWire).clientOrderId)).toBe(1)
  })

  it('that is closed looks nothing up any more, and says so at once', async () => {
    const { broker, clock } = startDesk({ fates: [HANGS_BEFORE], refusesDuplicateIds: false })
    const outcome = await after(clock, broker.submitOrder(order, { timeoutMs: 1_000 }))
    if (outcome.status !== 'in-doubt') throw new Error(`it is ${outcome.status}`)
    await broker.close()
    expect(await rejection(broker.reconcile(outcome))).toBeInstanceOf(NotReadyError)
  })

  it('that has lost its journal looks nothing up any more, and says so at once', async () => {
    const inner = memoryJournal()
    let lose: (reason: Error) => void = () => undefined
    const journal: OrderJournal = {
      claim: async (account) => {
        const claimed = await inner.claim(account)
        claimed.onLost = (listener) => {
          lose = listener
        }
        return claimed
      },
      close: () => inner.close(),
    }
    const { broker, clock } = startDesk({ fates: [HANGS_BEFORE], refusesDuplicateIds: false, journal })
    const outcome = await after(clock, broker.submitOrder(order, { timeoutMs: 1_000 }))
    if (outcome.status !== 'in-doubt') throw new Error(`it is ${outcome.status}`)
    lose(new JournalError('the disk is full'))
    expect(await rejection(broker.reconcile(outcome))).toBeInstanceOf(JournalError)
  })

  it('that is closed while it claims its account gives it up', async () => {
    const inner = memoryJournal()
    let claim: () => void = () => undefined
    const isWanted = new Promise<void>((resolve) => {
      claim = resolve
    })
    const journal: OrderJournal = {
      claim: async (account) => {
        await isWanted
        return await inner.claim(account)
      },
      close: () => inner.close(),
    }
    const { broker } = startDesk({ journal })
    const opened = rejection(broker.open())
    const closed = broker.close()
    claim()
    await closed
    expect(await opened).toBeInstanceOf(NotReadyError)
    await inner.claim(broker.account)
  })

  it.each([
    ['submitTimeoutMs', { submitTimeoutMs: 0 }],
    ['reconciliation.looks', { reconciliation: { looks: 1 } }],
    ['reconciliation.settleMs', { reconciliation: { settleMs: Number.NaN } }],
    ['account', { account: 'a b' }],
  ])('refuses a %s that makes no sense', (field, orders) => {
    expect(() => startDesk({ orders })).toThrow(field)
  })
})
