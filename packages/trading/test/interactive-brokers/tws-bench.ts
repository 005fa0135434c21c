import { startUpstreams, type Upstreams, type UpstreamsOptions } from '@holdfast/upstreams'
import { createResilience, type ServiceOptions } from 'holdfast'
import { onTestFinished, vi } from 'vitest'
import { type Broker, type BrokerEvent, memoryJournal, type OrderJournal, type OrderKeeping } from '../../src/index.ts'
import { createInteractiveBrokersBroker } from '../../src/interactive-brokers/interactive-brokers-broker.ts'
import {
  connectToTws,
  type TwsEvent,
  type TwsLink,
  type TwsLinkOptions,
} from '../../src/interactive-brokers/tws-link.ts'

/** The stand-ins; they are closed after the test. */
export async function startTws(options: Omit<UpstreamsOptions, 'ports'> = {}): Promise<Upstreams> {
  const upstreams = await startUpstreams({ ports: {}, workers: { count: 64, minMs: 0, maxMs: 0 }, ...options })
  onTestFinished(() => upstreams.close())
  return upstreams
}

/** A link, and what happened to it so far. */
export interface LinkBench {
  readonly link: TwsLink
  readonly events: readonly TwsEvent[]
  /** Waits until something of a kind has happened so many times. */
  happened<T extends TwsEvent['type']>(type: T, times?: number): Promise<Extract<TwsEvent, { type: T }>>
}

export function openLink(port: number, options: TwsLinkOptions = {}): LinkBench {
  const link = connectToTws({ port, reconnectDelayMs: 1, random: () => 1, ...options })
  onTestFinished(() => link.close())
  const events: TwsEvent[] = []
  link.events.subscribe((event) => events.push(event))
  return {
    link,
    events,
    happened: async (type, times = 1) => {
      const found = () => events.filter((event) => isOf(event, type))
      await eventually(() => {
        if (found().length < times) throw new Error(`no ${type} among ${events.map((event) => event.type).join(', ')}`)
      })
      const last = found().at(-1)
      if (last === undefined || !isOf(last, type)) throw new Error(`no ${type}`)
      return last
    },
  }
}

function isOf<T extends TwsEvent['type']>(event: TwsEvent, type: T): event is Extract<TwsEvent, { type: T }> {
  return event.type === type
}

/** A broker over a link in front of the stand-in. */
export interface BrokerBench extends LinkBench {
  readonly upstreams: Upstreams
  readonly control: Upstreams['control']
  readonly broker: Broker
  readonly news: readonly BrokerEvent[]
  readonly journal: OrderJournal
}

export async function startBroker(
  options: {
    upstreams?: Upstreams
    journal?: OrderJournal
    link?: TwsLinkOptions
    service?: ServiceOptions
    orders?: Partial<OrderKeeping>
  } = {},
): Promise<BrokerBench> {
  const { upstreams = await startTws(), journal = memoryJournal(), orders } = options
  const bench = openLink(upstreams.ports.ib, options.link)
  const limit = { tokensPerSecond: 1_000, burstSize: 1_000 }
  const retry = { baseDelayMs: 1, jitter: 'none' } as const
  const resilience = createResilience({
    services: { ib: { profile: 'BROKER', rateLimiter: limit, retry, ...options.service } },
  })
  const service = resilience.service('ib')
  const broker = createInteractiveBrokersBroker({
    tws: bench.link,
    service,
    journal,
    reconciliation: { looks: 2, settleMs: 30 },
    ...orders,
  })
  const news: BrokerEvent[] = []
  broker.events.subscribe((event) => news.push(event))
  onTestFinished(() => broker.close())
  return { ...bench, upstreams, control: upstreams.control, broker, news, journal }
}

/** Waits until a check holds; fails as the check does when it never does. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 10_000, interval: 5 })
}

export const MARKET = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market' } as const

/** Far below the market, so that it stays open. */
export const FAR = { ...MARKET, type: 'limit', limitPrice: '1' } as const
