/** Looks everywhere that Interactive Brokers keeps orders: open, completed, and in their trades. */
import { EventName } from '@stoqey/ib'
import type { Clock } from 'holdfast'
import { SharedLook } from './shared-look.ts'
import type { TwsLink } from './tws-link.ts'

/** How long a look may take, in milliseconds. */
const LOOK_MS = 15_000

/** What a look has found besides what the tracker has heard meanwhile. */
export interface LookResult {
  /** Permanent ids of the orders that are open. */
  readonly open: ReadonlySet<number>
}

/**
 * A look is three requests, of which two carry no id, so that there is one at a time for all who want to look. When it
 * resolves, TWS has told all that it knows; the tracker has heard it.
 */
export function orderLook(link: TwsLink, clock: Clock): SharedLook<LookResult> {
  return new SharedLook(async () => {
    const patience = new AbortController()
    const timer = clock.setTimer(
      () => patience.abort(new Error(`TWS did not tell its orders within ${LOOK_MS} ms`)),
      LOOK_MS,
    )
    try {
      return await look(link, patience.signal)
    } finally {
      timer.cancel()
    }
  })
}

async function look(link: TwsLink, signal: AbortSignal): Promise<LookResult> {
  for (let message = 0; message < 3; message++) await link.enter(signal)
  const connection = await link.ready(signal)
  const open = new Set<number>()
  const openOrders = connection.converse<void>(
    {
      operation: 'open orders',
      send: (api) => api.reqAllOpenOrders(),
      events: {
        [EventName.openOrder]: (_reqId, _orderId, _contract, order) => {
          open.add(permIdOf(order))
          return false
        },
        [EventName.openOrderEnd]: () => true,
      },
      result: () => undefined,
    },
    signal,
  )
  const completedOrders = connection.converse<void>(
    {
      operation: 'completed orders',
      send: (api) => api.reqCompletedOrders(false),
      events: { [EventName.completedOrdersEnd]: () => true },
      result: () => undefined,
    },
    signal,
  )
  const trades = connection.converse<void>(
    {
      operation: 'executions',
      send: (api, reqId) => api.reqExecutions(reqId, {}),
      events: { [EventName.execDetailsEnd]: (reqId, answered) => answered === reqId },
      result: () => undefined,
    },
    signal,
  )
  await Promise.all([openOrders, completedOrders, trades])
  return { open }
}

function permIdOf(order: unknown): number {
  const permId: unknown = typeof order === 'object' && order !== null ? Reflect.get(order, 'permId') : undefined
  return typeof permId === 'number' ? permId : 0
}
