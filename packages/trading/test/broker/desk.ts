/** A desk in front of an exchange, in virtual time, for whoever tests what it does. */
import { VirtualClock } from '@holdfast/testing'
import { createResilience, type ServiceOptions } from 'holdfast'
import { Broker, type BrokerEvent, memoryJournal, type OrderJournal, type OrderKeeping } from '../../src/index.ts'
import { type Fate, SimulatedAdapter, SimulatedExchange } from './simulated-broker.ts'

/** An order that any of them may want. */
export const order = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market' } as const

/** A broker, and all that it stands on. */
export function startDesk(
  options: {
    fates?: readonly Fate[]
    refusesDuplicateIds?: boolean
    streams?: boolean
    journal?: OrderJournal
    service?: ServiceOptions
    orders?: Partial<OrderKeeping>
    exchange?: SimulatedExchange
  } = {},
) {
  const { fates = [], refusesDuplicateIds = true, streams = false, journal = memoryJournal(), orders } = options
  const clock = options.exchange === undefined ? new VirtualClock() : clockOf(options.exchange)
  const exchange = options.exchange ?? new SimulatedExchange(clock, { refusesDuplicateIds })
  exchange.fates.push(...fates)
  const resilience = createResilience({
    clock,
    random: () => 0.5,
    services: {
      broker: {
        profile: 'BROKER',
        circuitBreaker: false,
        rateLimiter: false,
        bulkhead: { maxConcurrent: 50 },
        ...options.service,
      },
    },
  })
  const adapter = new SimulatedAdapter(exchange, { streams })
  const broker = new Broker(adapter, { service: resilience.service('broker'), journal, clock, ...orders })
  const events: BrokerEvent[] = []
  broker.events.subscribe((event) => events.push(event))
  return { clock, exchange, adapter, broker, events, journal, resilience }
}

function clockOf({ clock }: SimulatedExchange): VirtualClock {
  if (clock instanceof VirtualClock) return clock
  throw new Error('an exchange of these tests has a virtual clock')
}

/** What a promise comes to when enough time passes. */
export async function after<T>(clock: VirtualClock, promise: Promise<T>, ms = 60_000): Promise<T> {
  await clock.advance(ms)
  return await promise
}

/** What events tell of, in their order. */
export const states = (events: readonly BrokerEvent[]): string[] => events.map(({ type }) => type)
