import { type Contract, ErrorCode, EventName, IBApi, type Order, OrderAction, OrderType, SecType } from '@stoqey/ib'
import { onTestFinished } from 'vitest'
import { eventually } from '../support.ts'

/** One thing that the SDK told: the event and its arguments. */
export type Told = readonly [event: string, ...args: readonly unknown[]]

/** The real SDK on a connection, and what it told so far. */
export interface TwsClient {
  readonly api: IBApi
  readonly told: readonly Told[]
  /** What was told of a kind. */
  events(event: EventName | string): readonly (readonly unknown[])[]
  /** Waits until something of a kind was told, and gives what was told last. */
  heard(event: EventName | string, times?: number): Promise<readonly unknown[]>
}

export const AAPL: Contract = { symbol: 'AAPL', secType: SecType.STK, exchange: 'SMART', currency: 'USD' }

export const MARKET_ORDER: Order = {
  action: OrderAction.BUY,
  totalQuantity: 1,
  orderType: OrderType.MKT,
  tif: 'DAY',
  transmit: true,
}

/** Far below the market, so that it stays open. */
export const LIMIT_ORDER: Order = { ...MARKET_ORDER, orderType: OrderType.LMT, lmtPrice: 1 }

/** Everything that the SDK can tell, under the names of its events. */
const EVENTS: readonly string[] = Object.values(EventName).filter(
  (name) => !['all', 'result', 'received', 'sent'].includes(name),
)

/** Connects the real SDK; it is disconnected after the test. */
export function openTwsClient(port: number, clientId = 1): TwsClient {
  const api = new IBApi({ host: '127.0.0.1', port, clientId, maxReqPerSec: 1_000 })
  const told: Told[] = []
  for (const event of EVENTS)
    api.addListener(event as EventName, (...args: unknown[]) => void told.push([event, ...args]))
  const events = (event: string) => told.filter(([name]) => name === event).map(([, ...args]) => args)
  onTestFinished(() => {
    if (api.isConnected) api.disconnect()
  })
  api.connect()
  return {
    api,
    told,
    events,
    heard: async (event, times = 1) => {
      await eventually(() => {
        if (events(event).length < times) throw new Error(`no ${event} among ${told.map(([name]) => name).join(', ')}`)
      })
      return events(event).at(-1) ?? []
    },
  }
}

/** Connects, and waits until orders may be sent. @returns the client and the next order id */
export async function startTwsClient(port: number, clientId = 1): Promise<TwsClient & { readonly nextId: number }> {
  const client = openTwsClient(port, clientId)
  const [nextId] = await client.heard(EventName.nextValidId)
  return { ...client, nextId: Number(nextId) }
}

/** An error's code and the request that it is about. */
export function errorFacts([error, code, reqId]: readonly unknown[]): { code: unknown; reqId: unknown; text: string } {
  return { code, reqId, text: error instanceof Error ? error.message : String(error) }
}

export { ErrorCode, EventName }
