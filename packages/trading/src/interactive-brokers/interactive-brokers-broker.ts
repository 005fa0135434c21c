/** Interactive Brokers through `@stoqey/ib`, behind a service's guards. */
import { reportToConsole, systemClock } from 'holdfast'
import { Broker, type OrderKeeping } from '../broker/broker.ts'
import { InteractiveBrokersAdapter } from './interactive-brokers-adapter.ts'
import type { ContractFor } from './order-shapes.ts'
import type { TwsLink } from './tws-link.ts'

export { type ContractFor, usStock } from './order-shapes.ts'
export { TwsError, TwsUnavailableError } from './tws-error.ts'
export { connectToTws, type TwsEvent, TwsLink, type TwsLinkOptions } from './tws-link.ts'

/** Who trades, and over which link. */
export type InteractiveBrokersBrokerOptions = OrderKeeping & {
  /** The link to TWS: `connectToTws(…)`. It outlives the broker; close it after it. */
  readonly tws: TwsLink
  /** The account's code, for users with several. Default: the first one, and orders name none. */
  readonly accountCode?: string | undefined
  /** How symbols become contracts. Default: stocks of the United States. */
  readonly contractFor?: ContractFor | undefined
}

/**
 * Interactive Brokers, guarded. The client order id of an order is its reference, by which it is found again among the open
 * orders, the completed ones and the trades; TWS itself would take the same order twice, so that one in doubt is never sent
 * again.
 *
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * const tws = connectToTws({ port: 4002, clientId: 7 })
 * const broker = createInteractiveBrokersBroker({ tws, service: resilience.service('ib'), journal })
 * const outcome = await broker.submitOrder({ symbol: 'AAPL', side: 'buy', quantity: '10', type: 'market' })
 */
export function createInteractiveBrokersBroker(options: InteractiveBrokersBrokerOptions): Broker {
  const { tws, accountCode, contractFor, service, clock = systemClock, onHookError = reportToConsole } = options
  const about = { name: service.name, link: tws, accountCode, contractFor, clock, report: onHookError }
  return new Broker(new InteractiveBrokersAdapter(about), options)
}
