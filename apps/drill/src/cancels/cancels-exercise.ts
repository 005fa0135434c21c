/** Cancellations while three times as much is read as the broker allows. */
import { type Broker, memoryJournal } from '@holdfast/trading'
import { createAlpacaBroker } from '@holdfast/trading/alpaca'
import { connectToTws, createInteractiveBrokersBroker } from '@holdfast/trading/interactive-brokers'
import { createInteractiveBrokersDataProvider } from '@holdfast/trading/interactive-brokers-data'
import { startUpstreams, type Upstreams } from '@holdfast/upstreams'
import { createResilience, type ServiceOptions } from 'holdfast'
import { atLeast, atMost, type Exercise, type ExerciseResult, percentile } from '../exercise.ts'
import { type Burst, cancelUnder } from './cancel-under.ts'

/** As on a plan for those who trade much: 20 requests a second. */
const LIMIT = { tokensPerSecond: 20, burstSize: 10 }

/** How fast TWS takes messages. */
const MESSAGES_PER_SECOND = 48

/** How many times the limit is read. */
const TIMES = 3

const CANCELS_PER_SECOND = 5

/** How long a cancellation may take, p99, in milliseconds. */
const BAR_MS = 250

/** So far from the market that it stays open. */
const RESTING = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'limit', limitPrice: '1' } as const

const UNLIMITED: ServiceOptions = {
  profile: 'BROKER',
  rateLimiter: { tokensPerSecond: 1e6, burstSize: 1e6 },
  bulkhead: { maxConcurrent: 50, maxQueue: 100_000, acquireTimeoutMs: 60_000 },
}

export const cancels: Exercise = {
  name: 'cancels',
  title: `Cancellations while ${TIMES} times as much is read as the broker allows`,
  async run({ cancelSeconds }, seed, tick) {
    const count = cancelSeconds * CANCELS_PER_SECOND
    const standIns = await startUpstreams({ seed, ports: {} })
    try {
      const run = (name: string, at: number, burst: Omit<Burst, 'cancelsPerSecond' | 'tick'>) =>
        cancelUnder({
          ...burst,
          cancelsPerSecond: CANCELS_PER_SECOND,
          tick: (done) => tick(at * count + done, 2 * count),
        }).then((result) => told(name, result))
      const alpaca = await run('alpaca', 0, await alpacaBurst(standIns, count))
      const { burst, close } = await socketBurst(standIns, count)
      try {
        return joined(alpaca, await run('ib', 1, burst))
      } finally {
        close()
      }
    } finally {
      await standIns.close()
    }
  },
}

/** Reads and cancellations share one service, and so its slots and its limit. */
async function alpacaBurst({ urls, control }: Upstreams, count: number) {
  const plenty = { requests: 1e9, windowMs: 60_000, window: 'fixed' }
  control.setLimits('alpaca', { trading: plenty })
  const resilience = createResilience({
    services: { alpaca: { profile: 'BROKER', rateLimiter: LIMIT }, 'set-up': UNLIMITED },
  })
  const [broker, setUp] = ['alpaca', 'set-up'].map((name) =>
    createAlpacaBroker({
      service: resilience.service(name),
      journal: memoryJournal(),
      keyId: 'drill',
      secretKey: 'drill',
      tradingUrl: urls.alpaca,
    }),
  )
  if (broker === undefined || setUp === undefined) throw new Error('there are two brokers')
  const orderIds = await resting(setUp, count)
  return {
    orderIds,
    readsPerSecond: LIMIT.tokensPerSecond * TIMES,
    read: () => broker.getPositions(),
    cancel: (orderId: string) => broker.cancelOrder(orderId),
  }
}

/** Market data and cancellations share one socket, and so its limit of messages. */
async function socketBurst({ ports }: Upstreams, count: number) {
  const tws = connectToTws({ port: ports.ib, messagesPerSecond: MESSAGES_PER_SECOND })
  const resilience = createResilience({
    services: {
      ib: { ...UNLIMITED, timeoutMs: 120_000, attemptTimeoutMs: 60_000 },
      'ib-data': { profile: 'DATA_PROVIDER', rateLimiter: false, bulkhead: { maxConcurrent: 1_000 } },
    },
  })
  const broker = createInteractiveBrokersBroker({
    tws,
    service: resilience.service('ib'),
    journal: memoryJournal(),
    submitTimeoutMs: 120_000,
  })
  const data = createInteractiveBrokersDataProvider({ tws, service: resilience.service('ib-data') })
  const orderIds = await resting(broker, count)
  return {
    burst: {
      orderIds,
      readsPerSecond: MESSAGES_PER_SECOND * TIMES,
      read: () => data.getQuote('AAPL'),
      cancel: (orderId: string) => broker.cancelOrder(orderId),
    },
    close: () => tws.close(),
  }
}

async function resting(broker: Broker, count: number): Promise<readonly string[]> {
  const outcomes = await Promise.all(Array.from({ length: count }, () => broker.submitOrder(RESTING)))
  return outcomes.map((outcome) => {
    if (outcome.status !== 'accepted') throw new Error(`an order that was to rest is ${outcome.status}`)
    return outcome.order.id
  })
}

function told(name: string, { waits, failed, reads, readsRefused }: Awaited<ReturnType<typeof cancelUnder>>) {
  const share = waits.length / (waits.length + failed)
  return {
    figures: [
      atMost(`${name}: a cancellation, p99`, percentile(waits, 0.99), BAR_MS, 'ms'),
      atLeast(`${name}: cancellations that succeeded`, share * 100, 100, '%'),
    ],
    details: {
      [`${name}: cancellations, p50 (ms)`]: `${waits.length}, ${percentile(waits, 0.5).toFixed(1)}`,
      [`${name}: reads, of them refused`]: `${reads}, ${readsRefused}`,
    },
  }
}

function joined(...results: readonly ExerciseResult[]): ExerciseResult {
  return {
    figures: results.flatMap(({ figures }) => figures),
    details: Object.assign({}, ...results.map(({ details }) => details)),
  }
}
