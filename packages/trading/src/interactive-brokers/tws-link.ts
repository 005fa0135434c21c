/** The standing link to TWS: one connection after another, each watched, none trusted further than its last sign of life. */
import { Listeners, type Timer, type Unsubscribe } from 'holdfast'
import { type Lane, MessagePacer } from './message-pacer.ts'
import { farmNews, TWS } from './tws-codes.ts'
import { TwsConnection } from './tws-connection.ts'
import { TwsError, TwsUnavailableError } from './tws-error.ts'
import { type CompleteLinkOptions, checkedLinkOptions, type TwsLinkOptions } from './tws-link-options.ts'

export type { TwsLinkOptions } from './tws-link-options.ts'

/** What happens to the link. */
export type TwsEvent =
  | { readonly type: 'connected'; readonly epoch: number; readonly nextOrderId: number }
  | { readonly type: 'disconnected'; readonly reason: Error; readonly retryInMs: number }
  /** TWS has lost Interactive Brokers (1100): nothing is sent. */
  | { readonly type: 'connectivity-lost'; readonly message: string }
  /** It has it back; without its data, what was subscribed to is subscribed to again. */
  | { readonly type: 'connectivity-restored'; readonly dataKept: boolean }
  /** A data farm is broken, or well again. */
  | { readonly type: 'farm'; readonly state: 'broken' | 'well'; readonly code: number; readonly message: string }
  /** Error 100: a message went over the limit, and nobody knows which. */
  | { readonly type: 'too-many-messages'; readonly message: string }
  /** TWS has something else to say. */
  | { readonly type: 'news'; readonly code: number; readonly message: string }

/** Something that is asked for again on every connection. */
export interface StandingRequest {
  /** Asks for it. */
  readonly start: (connection: TwsConnection) => void
}

/** An error about an order, and on which connection it came. */
export interface OrderError {
  readonly epoch: number
  readonly orderId: number
  readonly error: TwsError
}

/** The end of a connection. */
export interface ConnectionEnd {
  readonly epoch: number
  readonly reason: Error
}

/** How long nothing is sent after TWS said that it was too much, in milliseconds. */
const CALM_MS = 1_000

export class TwsLink {
  readonly clientId: number
  /** What happens to the link. */
  readonly events: Listeners<TwsEvent>
  /** Every new connection, before anything is asked on it. */
  readonly connections: Listeners<TwsConnection>
  /** The end of every connection. */
  readonly ends: Listeners<ConnectionEnd>
  readonly orderErrors: Listeners<OrderError>
  readonly #options: CompleteLinkOptions
  readonly #pacer: MessagePacer
  readonly #standing = new Set<StandingRequest>()
  readonly #waiting = new Set<() => void>()
  #connection: TwsConnection | undefined
  #epoch = 0
  #failures = 0
  #timer: Timer | undefined
  #isClosed = false
  /** Aborted when the link is closed. */
  readonly #patience = new AbortController()

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: TwsLinkOptions) {
    const complete = checkedLinkOptions(options)
    const { clock, onHookError } = complete
    this.#options = complete
    this.clientId = complete.clientId
    this.events = new Listeners('events listener of a link to TWS', onHookError)
    this.connections = new Listeners('connections listener of a link to TWS', onHookError)
    this.ends = new Listeners('ends listener of a link to TWS', onHookError)
    this.orderErrors = new Listeners('orderErrors listener of a link to TWS', onHookError)
    this.#pacer = new MessagePacer(complete.messagesPerSecond, clock)
    this.#connect()
  }

  /** `ready` when messages can be sent; `lost` while TWS has lost Interactive Brokers. */
  get state(): 'connecting' | 'ready' | 'lost' | 'closed' {
    if (this.#isClosed) return 'closed'
    const state = this.#connection?.state
    return state === 'ready' || state === 'lost' ? state : 'connecting'
  }

  /** The present connection, whatever its state. */
  get connection(): TwsConnection | undefined {
    return this.#connection
  }

  /** Waits for a session in which messages can be sent. @throws TwsUnavailableError when the signal is aborted first */
  async ready(signal: AbortSignal): Promise<TwsConnection> {
    for (;;) {
      const connection = this.#connection
      if (connection?.state === 'ready') return connection
      if (this.#isClosed) throw new TwsUnavailableError('the link to TWS is closed')
      if (signal.aborted) {
        throw new TwsUnavailableError(`there was no session with TWS in time (${this.#trouble()})`, {
          cause: signal.reason,
        })
      }
      await this.#change(signal)
    }
  }

  /** Waits until another message may be sent. @throws the signal's reason when that is aborted first */
  enter(signal: AbortSignal, lane: Lane = 'normal'): Promise<void> {
    return this.#pacer.enter(signal, lane)
  }

  /** Waits for a session, and then for a turn in it: those who wait for a session do not all send when there is one. */
  async readyInTurn(signal: AbortSignal): Promise<TwsConnection> {
    for (;;) {
      const connection = await this.ready(signal)
      await this.enter(signal)
      if (connection.state === 'ready') return connection
    }
  }

  /**
   * Asks for something now and on every further connection.
   *
   * @param stop tells TWS that it is no longer wanted
   * @returns a function that ends it
   */
  keep(request: StandingRequest, stop: () => void): Unsubscribe {
    this.#standing.add(request)
    this.#startAll([request])
    return () => {
      if (this.#standing.delete(request)) stop()
    }
  }

  /** Ends it for good. Nothing is connected again. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#patience.abort(new TwsUnavailableError('the link to TWS is closed'))
    this.#timer?.cancel()
    this.#connection?.end(new TwsUnavailableError('the link to TWS is closed'))
    this.#tellWaiting()
  }

  #connect(): void {
    const { clock, handshakeMs } = this.#options
    const epoch = ++this.#epoch
    const connection: TwsConnection = new TwsConnection(this.#options, {
      epoch,
      clock,
      handshakeMs,
      // One that is closed while something waits has nothing more to tell.
      inTurn: (send) => void this.enter(this.#patience.signal).then(send, () => undefined),
      listener: {
        ready: () => this.#begin(connection),
        ended: (reason) => this.#end(epoch, reason),
        news: (code, message) => this.#hear(code, message),
        orderError: (orderId, error) => this.orderErrors.emit({ epoch, orderId, error }),
      },
    })
    this.#connection = connection
    this.connections.emit(connection)
  }

  #begin(connection: TwsConnection): void {
    this.#failures = 0
    this.#watch(connection)
    this.events.emit({ type: 'connected', epoch: connection.epoch, nextOrderId: connection.nextOrderId })
    this.#tellWaiting()
    this.#startAll([...this.#standing])
  }

  #end(epoch: number, reason: Error): void {
    this.#timer?.cancel()
    this.ends.emit({ epoch, reason })
    if (this.#isClosed) return
    const { clock, random, reconnectDelayMs, maxReconnectDelayMs } = this.#options
    const delay = Math.min(maxReconnectDelayMs, reconnectDelayMs * 2 ** Math.min(this.#failures++, 30))
    const retryInMs = delay / 2 + (random() * delay) / 2
    this.#timer = clock.setTimer(() => this.#connect(), retryInMs, false)
    this.events.emit({ type: 'disconnected', reason, retryInMs })
  }

  #hear(code: number, message: string): void {
    const farm = farmNews(code)
    if (code === TWS.CONNECTIVITY_LOST || code === TWS.SERVER_LOST) {
      this.events.emit({ type: 'connectivity-lost', message })
    } else if (code === TWS.RESTORED_DATA_LOST || code === TWS.RESTORED_DATA_KEPT) {
      const dataKept = code === TWS.RESTORED_DATA_KEPT
      this.events.emit({ type: 'connectivity-restored', dataKept })
      this.#tellWaiting()
      if (!dataKept) this.#startAll([...this.#standing])
    } else if (code === TWS.TOO_MANY_MESSAGES) {
      this.#pacer.pauseFor(CALM_MS)
      this.events.emit({ type: 'too-many-messages', message })
    } else if (farm !== undefined) {
      this.events.emit({ type: 'farm', state: farm, code, message })
    } else {
      this.events.emit({ type: 'news', code, message })
    }
  }

  /** A socket that is half open says nothing, and that is how it is found. */
  #watch(connection: TwsConnection): void {
    const { clock, heartbeatMs, heartbeatAnswerMs } = this.#options
    const askIn = (delayMs: number): void => {
      this.#timer?.cancel()
      this.#timer = clock.setTimer(ask, delayMs, false)
    }
    const ask = (): void => {
      const silent = connection.silentMs
      if (silent < heartbeatMs) return askIn(heartbeatMs - silent)
      const { heard } = connection
      connection.api.reqCurrentTime()
      this.#timer = clock.setTimer(() => judge(heard), heartbeatAnswerMs, false)
    }
    const judge = (heardBefore: number): void => {
      if (connection.heard > heardBefore) return askIn(Math.max(0, heartbeatMs - connection.silentMs))
      connection.end(new TwsError(`TWS gave no sign of life for ${Math.round(connection.silentMs)} ms`, undefined))
    }
    askIn(heartbeatMs)
  }

  #startAll(requests: readonly StandingRequest[]): void {
    // It ends early only when the link is closed.
    this.#start(requests).catch(() => undefined)
  }

  /** Asks for what stands, as fast as TWS takes it, as long as the connection holds. */
  async #start(requests: readonly StandingRequest[]): Promise<void> {
    const connection = this.#connection
    const { signal } = this.#patience
    for (const request of requests) {
      if (connection?.state !== 'ready' || signal.aborted) return
      await this.enter(signal)
      if (this.#standing.has(request) && connection.state === 'ready') request.start(connection)
    }
  }

  #change(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        this.#waiting.delete(done)
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#waiting.add(done)
      signal.addEventListener('abort', done, { once: true })
    })
  }

  #tellWaiting(): void {
    for (const done of [...this.#waiting]) done()
  }

  #trouble(): string {
    return this.state === 'lost' ? 'TWS has lost Interactive Brokers' : `attempt ${this.#epoch} to connect`
  }
}

/**
 * Connects to TWS or the IB gateway, and stays connected.
 *
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * const tws = connectToTws({ port: 4002, clientId: 7 })
 * const broker = createInteractiveBrokersBroker({ tws, service, journal })
 */
export function connectToTws(options: TwsLinkOptions = {}): TwsLink {
  return new TwsLink(options)
}
