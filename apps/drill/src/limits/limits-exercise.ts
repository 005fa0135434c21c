/** Each provider's limit, with twice as much wanted: used nearly whole, and never exceeded. */
import { VirtualClock } from '@holdfast/testing'
import { memoryJournal, UPSTREAM_LIMITS } from '@holdfast/trading'
import { createAlpacaBroker } from '@holdfast/trading/alpaca'
import { createAlpacaDataProvider } from '@holdfast/trading/alpaca-data'
import { createFredSeriesProvider } from '@holdfast/trading/fred'
import { connectToTws, type TwsLink } from '@holdfast/trading/interactive-brokers'
import { createInteractiveBrokersDataProvider } from '@holdfast/trading/interactive-brokers-data'
import { createPolygonDataProvider } from '@holdfast/trading/polygon'
import { createYahooDataProvider } from '@holdfast/trading/yahoo'
import { startUpstreams, type Upstreams, yahooTransport } from '@holdfast/upstreams'
import { EventName } from '@stoqey/ib'
import { createResilience } from 'holdfast'
import { atLeast, atMost, type Exercise, type Figure } from '../exercise.ts'
import { type Asked, offer } from './offered-load.ts'

/** How much of a limit must be used. */
const USED_SHARE = 0.95

/** A provider, and what its stand-in has seen of it. */
interface Watched extends Asked {
  readonly name: string
  /** Requests that the stand-in has had. */
  readonly requests: () => number
}

export const limits: Exercise = {
  name: 'limits',
  title: 'Limits of providers, with twice as much wanted',
  async run({ limitMinutes }, seed, tick) {
    const clock = new VirtualClock()
    const standIns = await startUpstreams({ seed, clock, ports: {}, workers: { count: 64, minMs: 0, maxMs: 0 } })
    const tws = connectToTws({ port: standIns.ports.ib, clock })
    try {
      const minute = { requests: 5, windowMs: 60_000, window: 'rolling' }
      standIns.control.setLimits('polygon', { requests: minute })
      const providers = watch(standIns, tws, clock)
      let counts: readonly number[] = []
      const timeIsUp = (): void => {
        counts = providers.map(({ requests }) => requests())
      }
      await offer(providers, limitMinutes, clock, { tick, timeIsUp })
      const used = providers.map(({ name, perMinute }, index) => {
        const share = (counts[index] ?? 0) / (perMinute * limitMinutes)
        return atLeast(`${name}: of ${perMinute} a minute used`, share, USED_SHARE, '')
      })
      return {
        figures: [...violations(standIns), ...used],
        details: Object.fromEntries(
          providers.map(({ name, service }, index) => [
            `${name}: requests at the provider, refused by our own limit`,
            `${counts[index]}, ${service.rateLimiter?.snapshot().totals.refused}`,
          ]),
        ),
      }
    } finally {
      tws.close()
      await standIns.close()
    }
  },
}

/** How often each stand-in said that it was too much. */
function violations({ control }: Upstreams): Figure[] {
  return ['alpaca', 'polygon', 'yahoo', 'fred', 'ib'].map((name) =>
    atMost(`${name}: requests over the limit`, control.stats(name).rateViolations, 0, ''),
  )
}

/** The real SDKs, guarded with the limits that are published, by the stand-ins' clock. */
function watch({ urls, control }: Upstreams, tws: TwsLink, clock: VirtualClock): readonly Watched[] {
  const { alpacaTrading, alpacaData, polygonFree, yahoo, fred } = UPSTREAM_LIMITS
  const resilience = createResilience({
    clock,
    services: {
      alpaca: { profile: 'BROKER', rateLimiter: alpacaTrading },
      'alpaca-data': { profile: 'DATA_PROVIDER', rateLimiter: alpacaData },
      polygon: { profile: 'DATA_PROVIDER', rateLimiter: polygonFree },
      yahoo: { profile: 'DATA_PROVIDER', rateLimiter: yahoo },
      fred: { profile: 'DATA_PROVIDER', rateLimiter: fred },
      // What goes to TWS has its pace from the link.
      ib: { profile: 'DATA_PROVIDER', rateLimiter: false },
    },
  })
  const of = (name: string) => ({ name, service: resilience.service(name) })
  const keys = (keyId: string) => ({ keyId, secretKey: 'drill' })
  const broker = createAlpacaBroker({
    ...of('alpaca'),
    ...keys('trading'),
    journal: memoryJournal(),
    tradingUrl: urls.alpaca,
    clock,
  })
  const bars = createAlpacaDataProvider({ ...of('alpaca-data'), ...keys('data'), dataUrl: urls.alpaca })
  const free = createPolygonDataProvider({ ...of('polygon'), apiKey: 'drill', baseUrl: urls.polygon })
  const page = createYahooDataProvider({ ...of('yahoo'), fetch: yahooTransport(urls.yahoo) })
  const bank = createFredSeriesProvider({ ...of('fred'), apiKey: 'd'.repeat(32), baseUrl: urls.fred })
  const socket = createInteractiveBrokersDataProvider({ ...of('ib'), tws, clock })
  // Nothing else tells when a message has arrived that would count as sent too soon if the clock went on before. The greeting
  // comes first, and is none.
  let sent = -1
  tws.connection?.api.on(EventName.sent, () => sent++)
  const all = (upstream: string) => () => control.stats(upstream).requests
  const byKey = (key: string) => () => control.stats('alpaca').byKey[key] ?? 0
  return [
    { ...of('alpaca'), perMinute: 200, ask: () => broker.getPositions(), requests: byKey('trading') },
    { ...of('alpaca-data'), perMinute: 200, ask: () => bars.getQuote('AAPL'), requests: byKey('data') },
    { ...of('polygon'), perMinute: 5, ask: () => free.getQuote('AAPL'), requests: all('polygon') },
    { ...of('yahoo'), perMinute: 60, ask: () => page.getQuote('AAPL'), requests: all('yahoo') },
    {
      ...of('ib'),
      perMinute: 3_000,
      ask: () => socket.getQuote('AAPL'),
      requests: all('ib'),
      hasArrived: () => all('ib')() >= sent,
    },
    { ...of('fred'), perMinute: 120, ask: () => bank.getSeries('PAYEMS', { limit: 1 }), requests: all('fred') },
  ]
}
