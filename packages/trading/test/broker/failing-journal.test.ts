/** What becomes of orders when the journal fails, is slow, or is another's. */
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import {
  type AccountJournal,
  AccountTakenError,
  JournalError,
  memoryJournal,
  type OrderJournal,
} from '../../src/index.ts'
import { rejection } from '../support.ts'
import { after, order, startDesk, states } from './desk.ts'
import { SimulatedExchange } from './simulated-broker.ts'

describe('a journal that fails', () => {
  /** A journal that is written until somebody says so, and not any more. */
  function failing(): { journal: OrderJournal; fail: () => void } {
    const inner = memoryJournal()
    let isBroken = false
    let lost: ((reason: Error) => void) | undefined
    const journal: OrderJournal = {
      claim: async (account) => {
        const claimed = await inner.claim(account)
        return {
          account,
          unsettled: () => claimed.unsettled(),
          find: (id) => claimed.find(id),
          note: (event) => (isBroken ? Promise.reject(new JournalError('the disk is full')) : claimed.note(event)),
          takeNumber: (atLeast) => claimed.takeNumber(atLeast),
          killSwitch: () => claimed.killSwitch(),
          setKillSwitch: (state) => claimed.setKillSwitch(state),
          onLost: (listener) => {
            lost = listener
          },
          release: () => claimed.release(),
        }
      },
      close: () => inner.close(),
    }
    return {
      journal,
      fail: () => {
        isBroken = true
        lost?.(new JournalError('the disk is full'))
      },
    }
  }

  it('stops new orders before anything of them leaves, and no cancel', async () => {
    const { journal, fail } = failing()
    const { broker, adapter, events, resilience } = startDesk({ journal })
    await broker.open()
    fail()
    expect(await broker.submitOrder(order)).toMatchObject({ status: 'never-sent', reason: 'the disk is full' })
    expect(adapter.sent).toEqual([])
    await broker.cancelOrder('some-order')
    expect(states(events)).toEqual(['recovered', 'lost'])
    expect(resilience.snapshot().services.broker?.calls.failed).toBe(0)
  })

  it('that cannot be asked for an id is no exception: the order is never sent', async () => {
    const inner = memoryJournal()
    const unreadable: OrderJournal = {
      claim: async (account) => ({
        ...methodsOf(await inner.claim(account)),
        find: () => Promise.reject(new JournalError('the disk is gone')),
      }),
      close: () => inner.close(),
    }
    const { broker, adapter } = startDesk({ journal: unreadable })
    expect(await broker.submitOrder({ ...order, clientOrderId: 'one' })).toMatchObject({
      status: 'never-sent',
      cause: expect.any(JournalError),
    })
    expect(adapter.sent).toEqual([])
  })

  it('that takes longer than the attempt may does not let the order out afterwards', async () => {
    const clock = new VirtualClock()
    const exchange = new SimulatedExchange(clock, { refusesDuplicateIds: false })
    const inner = memoryJournal()
    const slow: OrderJournal = {
      claim: async (account) => {
        const claimed = await inner.claim(account)
        const note: AccountJournal['note'] = (event) =>
          new Promise((resolve, reject) => {
            clock.setTimer(() => void claimed.note(event).then(resolve, reject), event.type === 'sending' ? 6_000 : 0)
          })
        return { ...methodsOf(claimed), note }
      },
      close: () => inner.close(),
    }
    const { broker, adapter } = startDesk({ journal: slow, exchange })
    expect(await after(clock, broker.submitOrder(order))).toMatchObject({ status: 'never-sent' })
    expect(adapter.sent).toEqual([])
  })

  it('that belongs to another process: the order is never sent, and is taken once the account is free', async () => {
    const journal = memoryJournal()
    const other = await journal.claim('simulated')
    const { broker, clock } = startDesk({ journal })
    expect(await broker.submitOrder(order)).toMatchObject({
      status: 'never-sent',
      cause: expect.any(AccountTakenError),
    })
    expect(await rejection(broker.open())).toBeInstanceOf(AccountTakenError)
    await other.release()
    expect(await after(clock, broker.submitOrder(order))).toMatchObject({ status: 'accepted' })
  })
})

function methodsOf(claimed: AccountJournal): AccountJournal {
  return {
    account: claimed.account,
    unsettled: () => claimed.unsettled(),
    find: (id) => claimed.find(id),
    note: (event) => claimed.note(event),
    takeNumber: (atLeast) => claimed.takeNumber(atLeast),
    killSwitch: () => claimed.killSwitch(),
    setKillSwitch: (state) => claimed.setKillSwitch(state),
    onLost: (listener) => claimed.onLost(listener),
    release: () => claimed.release(),
  }
}
