/** The stand-in for Trader Workstation: its listener, its clients, and what happens to all of them at once. */
import { createServer, type Server, type Socket } from 'node:net'
import type { Random } from 'holdfast'
import type { ControlledUpstream } from '../control/controlled-upstream.ts'
import { FaultBook } from '../faults/fault-book.ts'
import { Ledger } from '../ledger.ts'
import type { Market } from '../market/market.ts'
import type { MarketClock } from '../market/market-clock.ts'
import { Pulse } from '../market/pulse.ts'
import { RequestCounter, type RequestLimit } from '../request-limit.ts'
import type { SimulatedClock } from '../simulated-clock.ts'
import type { Simulation } from '../simulation.ts'
import type { Surroundings } from '../upstream-server.ts'
import { UpstreamStatistics } from '../upstream-statistics.ts'
import type { WireLog } from '../wire-log.ts'
import { Workers } from '../workers.ts'
import { accountRequests } from './account-requests.ts'
import { dataRequests } from './data-requests.ts'
import { TwsOrderBook } from './order-book.ts'
import { OrderNews } from './order-news.ts'
import { orderRequests } from './order-requests.ts'
import { Outages } from './outages.ts'
import type { RequestHandler } from './request-context.ts'
import {
  isImmediate,
  isServerEvent,
  parseTwsRules,
  type ServerEvent,
  TWS_FAULTS,
  type TwsFaultRule,
  type TwsFaultSubject,
} from './tws-fault-rule.ts'
import { TwsSession } from './tws-session.ts'
import { REQUEST } from './wire/message-ids.ts'
import { error, NO_ID } from './wire/messages.ts'

const LIMITS: Readonly<Record<string, RequestLimit>> = {
  /** Of one connection. */
  messages: { requests: 50, windowMs: 1_000, window: 'rolling' },
  /** Of the account; a request for bids and asks counts twice. */
  historical: { requests: 60, windowMs: 600_000, window: 'rolling' },
  /** The very same request. */
  historicalRepeats: { requests: 1, windowMs: 15_000, window: 'rolling' },
  /** For one contract, exchange and kind of data. */
  historicalForContract: { requests: 5, windowMs: 2_000, window: 'rolling' },
}

/** The subject of rules that are looked up for no message of a client. */
const NO_MESSAGE: TwsFaultSubject = { msgId: REQUEST.START_API, clientId: undefined, orderRef: '' }

export class TwsServer implements ControlledUpstream {
  readonly name = 'ib'
  readonly ledger: Ledger = new Ledger()
  readonly faults: FaultBook<TwsFaultRule, TwsFaultSubject>
  readonly counters: ReadonlyMap<string, RequestCounter>
  readonly statistics: UpstreamStatistics = new UpstreamStatistics()
  readonly clock: SimulatedClock
  readonly random: Random
  readonly log: WireLog
  readonly workers: Workers
  readonly #simulation: Simulation
  readonly #handlers: ReadonlyMap<number, RequestHandler>
  readonly #sessions = new Set<TwsSession>()
  readonly #outages: Outages
  readonly #pulse: Pulse
  #book: TwsOrderBook
  #server: Server | undefined
  #address: { readonly host: string; readonly port: number } | undefined
  #connections = 0
  #stopped: Promise<void> = Promise.resolve()
  #highestSeen = 0
  #highestBooked = 0

  constructor(simulation: Simulation, around: Surroundings) {
    this.#simulation = simulation
    this.clock = simulation.clock
    this.random = around.random
    this.log = around.log
    this.workers = new Workers(around.workers, this.clock, around.random)
    this.faults = new FaultBook(TWS_FAULTS, this.clock, around.random)
    this.counters = new Map(
      Object.entries(LIMITS).map(([name, limit]) => [name, new RequestCounter(limit, this.clock)]),
    )
    this.#handlers = new Map([...accountRequests, ...orderRequests, ...dataRequests])
    this.#outages = new Outages(this.clock, {
      notify: (code, message) => this.#notify(code, message),
      restored: (told) => {
        for (const session of this.sessions) session.restored(told)
      },
      goDown: () => void this.#stopListening(),
      comeBack: () => void this.#comeBack(),
    })
    this.#pulse = new Pulse(
      this.clock,
      () => this.marketClock,
      () => this.#beat(),
    )
    this.#book = this.#openBook()
  }

  get market(): Market {
    return this.#simulation.market
  }

  get marketClock(): MarketClock {
    return this.#simulation.marketClock
  }

  get book(): TwsOrderBook {
    return this.#book
  }

  /** Clients that have started their session. */
  get sessions(): readonly TwsSession[] {
    return [...this.#sessions].filter(({ clientId }) => clientId !== undefined)
  }

  /** Whether TWS has lost Interactive Brokers. */
  get isLost(): boolean {
    return this.#outages.isLost
  }

  /** The least id that a new order may have. */
  get nextOrderId(): number {
    return this.#highestSeen + 1
  }

  sessionOf(clientId: number): TwsSession | undefined {
    return this.sessions.find((session) => session.clientId === clientId)
  }

  /** @returns the port that it listens on */
  async listen(host: string, port: number): Promise<number> {
    const server = createServer((socket) => this.#welcome(socket))
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(port, host, resolve)
    })
    this.#server = server
    const address = server.address()
    const listening = typeof address === 'object' && address !== null ? address.port : port
    this.#address = { host, port: listening }
    return listening
  }

  /** Ends every connection, those that hang too. */
  async close(): Promise<void> {
    this.#outages.forget()
    this.#address = undefined
    await this.#stopListening()
  }

  prepareFaults(rules: unknown): () => void {
    const parsed = parseTwsRules(rules)
    return () => {
      this.faults.add(parsed)
      for (const rule of parsed) if (isImmediate(rule) && isServerEvent(rule.action)) this.happen(rule.action)
    }
  }

  /** Takes the faults away, and ends the outages that came of them. */
  clearFaults(): void {
    this.faults.clear()
    this.#outages.finish()
  }

  reset(): void {
    this.clearFaults()
    for (const session of this.#sessions) session.end('destroy')
    this.statistics.reset()
    for (const [name, limit] of Object.entries(LIMITS)) this.counters.get(name)?.reset(limit)
    this.ledger.reset()
    this.#book = this.#openBook()
    this.#highestSeen = this.#highestBooked = 0
  }

  /** Something happens to TWS itself. */
  happen(event: ServerEvent): void {
    this.#outages.begin(event)
  }

  /** Counts a message of a connection against the limit. */
  countMessage(key: string): {
    readonly counted: boolean
    readonly limit: number
    readonly violationsBeforeDisconnect: number
  } {
    const pacing = this.faults.standing('pacing', NO_MESSAGE)
    const { violationsBeforeDisconnect = 3 } = pacing ?? {}
    const counter = this.counters.get('messages')
    const limit = pacing?.limit ?? counter?.limit.requests ?? Number.POSITIVE_INFINITY
    return { counted: counter?.count(key, limit).allowed ?? true, limit, violationsBeforeDisconnect }
  }

  /** Counts requests for historical data against a limit. @returns whether it allows them */
  allows(limit: string, key: string): boolean {
    return this.counters.get(limit)?.count(key).allowed ?? true
  }

  /** Notes that an order with this id has arrived, and whether it is in the books. */
  noteOrderId(orderId: number, booked: boolean): void {
    if (!Number.isSafeInteger(orderId)) return
    this.#highestSeen = Math.max(this.#highestSeen, orderId)
    if (booked) this.#highestBooked = Math.max(this.#highestBooked, orderId)
  }

  forget(session: TwsSession): void {
    this.#sessions.delete(session)
  }

  /** Looks at open orders and subscriptions from now on, for as long as there are any. */
  watch(): void {
    this.#pulse.start()
  }

  /** @returns whether there is anything left to look at */
  #beat(): boolean {
    this.#book.settle()
    for (const { subscriptions } of this.#sessions) subscriptions.beat()
    if (this.#address === undefined) return false
    return this.#book.open.length > 0 || [...this.#sessions].some(({ subscriptions }) => subscriptions.size > 0)
  }

  #openBook(): TwsOrderBook {
    const { market, marketClock, clock, ledger } = this
    const news = new OrderNews(this)
    return new TwsOrderBook({ market, marketClock, clock, ledger, listener: (event) => news.tell(event) })
  }

  #welcome(socket: Socket): void {
    this.#sessions.add(new TwsSession(socket, `connection ${++this.#connections}`, this, this.#handlers))
  }

  #notify(code: number, message: string): void {
    for (const session of this.sessions) session.sendLocally(error(NO_ID, code, message))
  }

  /** Ends every connection, and refuses new ones. */
  #stopListening(): Promise<void> {
    for (const session of this.#sessions) session.end('destroy')
    const server = this.#server
    this.#server = undefined
    if (server !== undefined) this.#stopped = new Promise((resolve) => server.close(() => resolve()))
    return this.#stopped
  }

  /** Listens again where it did, with order ids from before. */
  async #comeBack(): Promise<void> {
    const rollback = this.faults.standing('rollbackNextValidId', NO_MESSAGE)
    if (rollback !== undefined) this.#highestSeen = Math.max(0, this.#highestBooked - rollback.by)
    await this.#stopped
    if (this.#address !== undefined) await this.listen(this.#address.host, this.#address.port)
  }
}
