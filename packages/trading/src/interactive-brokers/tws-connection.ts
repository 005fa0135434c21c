/**
 * One connection to TWS: one object of the SDK, thrown away with its socket. What the SDK would keep for the next connection
 * dies with it.
 */
import { EventName, IBApi } from '@stoqey/ib'
import type { Clock, Timer } from 'holdfast'
import { watchFrames } from './frame-watch.ts'
import { isWarning, TWS } from './tws-codes.ts'
import { TwsError, TwsUnavailableError } from './tws-error.ts'

/** Where TWS is, and as whom it is asked. */
export interface TwsAddress {
  readonly host: string
  readonly port: number
  /** One session at a time has it. */
  readonly clientId: number
}

/** What a connection tells of itself. */
export interface ConnectionListener {
  /** Orders may be sent. */
  readonly ready: () => void
  /** It is over. Told once. */
  readonly ended: (reason: Error) => void
  /** News that concern no request. */
  readonly news: (code: number, message: string) => void
  /** An error about an order. */
  readonly orderError: (orderId: number, error: TwsError) => void
}

/**
 * - `connecting`: no order id has been told yet, so that nothing may be sent;
 * - `ready`;
 * - `lost`: TWS has lost Interactive Brokers (1100), and nothing is sent;
 * - `ended`: for good.
 */
export type ConnectionState = 'connecting' | 'ready' | 'lost' | 'ended'

/** A request and the events that answer it. */
export interface Conversation<T> {
  /** What it is called in errors. */
  readonly operation: string
  /** Sends it. */
  readonly send: (api: IBApi, reqId: number) => void
  /** What is done with each event; true when it was the last one. */
  readonly events: Readonly<Partial<Record<EventName, (reqId: number, ...args: readonly unknown[]) => boolean>>>
  /** What the events came to. */
  readonly result: () => T
  /** Tells TWS that nobody waits any more. */
  readonly cancel?: (api: IBApi, reqId: number) => void
}

/** A request whose answer goes on until it is cancelled. */
export interface Subscription {
  readonly send: (api: IBApi, reqId: number) => void
  readonly cancel: (api: IBApi, reqId: number) => void
  /** What is done with the events of the request. */
  readonly events: Readonly<Partial<Record<EventName, (...args: readonly unknown[]) => void>>>
}

/** Ids of requests begin here, far beyond those of orders: TWS tells errors of both by nothing but the number. */
const FIRST_REQUEST_ID = 1_000_000_000

/** The SDK's own queue is never used: ours stands before it. */
const NO_QUEUE = 1_000

export class TwsConnection {
  /** Tells it from those before. */
  readonly epoch: number
  readonly api: IBApi
  readonly #listener: ConnectionListener
  readonly #clock: Clock
  readonly #inTurn: (send: () => void) => void
  readonly #handshake: Timer
  readonly #conversations = new Map<number, (error: Error) => void>()
  #state: ConnectionState = 'connecting'
  #nextOrderId = 0
  #lastReqId = FIRST_REQUEST_ID
  #heard = 0
  #heardAt: number
  /** The last message that went to the socket, by its fields. */
  #sent: readonly unknown[] = []

  constructor(
    { host, port, clientId }: TwsAddress,
    options: {
      readonly epoch: number
      readonly clock: Clock
      readonly handshakeMs: number
      readonly listener: ConnectionListener
      /** Sends when its turn has come among the messages that TWS takes in a second. */
      readonly inTurn: (send: () => void) => void
    },
  ) {
    this.epoch = options.epoch
    this.#listener = options.listener
    this.#inTurn = options.inTurn
    this.#clock = options.clock
    this.#heardAt = options.clock.now()
    this.api = new IBApi({ host, port, clientId, maxReqPerSec: NO_QUEUE })
    this.#handshake = options.clock.setTimer(
      () => this.end(new TwsUnavailableError('TWS told no order id in time; see whether it accepts API connections')),
      options.handshakeMs,
      false,
    )
    this.#listen()
    watchFrames(
      () => this.api.connect(),
      (problem) => this.end(new TwsError(problem, undefined)),
    )
  }

  get state(): ConnectionState {
    return this.#state
  }

  /** The least id that TWS takes for a new order. */
  get nextOrderId(): number {
    return this.#nextOrderId
  }

  /** How many messages TWS has sent. */
  get heard(): number {
    return this.#heard
  }

  /** How long TWS has said nothing, in milliseconds. */
  get silentMs(): number {
    return this.#clock.now() - this.#heardAt
  }

  /**
   * Hands something to the SDK, and tells whether it went out to the socket. When it did not, the connection is ended, so that
   * the SDK cannot send it later.
   */
  sendNow(msgId: number, send: (api: IBApi) => void): boolean {
    if (this.#state !== 'ready') return false
    this.#sent = []
    send(this.api)
    if (this.#sent[0] === msgId) return true
    this.end(new TwsError('the SDK kept a message back', undefined))
    return false
  }

  /** Asks, and waits for the events that answer. @throws TwsError; the signal's reason */
  converse<T>(conversation: Conversation<T>, signal: AbortSignal): Promise<T> {
    const { operation, send, events, result, cancel } = conversation
    signal.throwIfAborted()
    if (this.#state !== 'ready') throw new TwsUnavailableError(`${operation}: there is no session with TWS`)
    const reqId = ++this.#lastReqId
    return new Promise((resolve, reject) => {
      const listeners = Object.entries(events).map(([name, hear]) => {
        const listener = (...args: unknown[]): void => {
          if (hear(reqId, ...args)) finish(() => resolve(result()))
        }
        return { name, listener }
      })
      const finish = (settle: () => void): void => {
        if (!this.#conversations.delete(reqId)) return
        for (const { name, listener } of listeners) this.api.removeListener(name, listener)
        signal.removeEventListener('abort', giveUp)
        settle()
      }
      const giveUp = (): void =>
        finish(() => {
          if (cancel !== undefined) this.tell((api) => cancel(api, reqId))
          reject(signal.reason)
        })
      this.#conversations.set(reqId, (error) => finish(() => reject(error)))
      for (const { name, listener } of listeners) this.api.addListener(name, listener)
      signal.addEventListener('abort', giveUp, { once: true })
      send(this.api, reqId)
    })
  }

  /**
   * Asks for something that goes on until it is cancelled.
   *
   * @returns a function that cancels it
   */
  subscribe({ send, cancel, events }: Subscription): () => void {
    const reqId = ++this.#lastReqId
    const listeners = Object.entries(events).map(([name, hear]) => {
      const listener = (answered: unknown, ...args: unknown[]): void => {
        if (answered === reqId) hear(...args)
      }
      this.api.addListener(name, listener)
      return { name, listener }
    })
    send(this.api, reqId)
    return () => {
      for (const { name, listener } of listeners) this.api.removeListener(name, listener)
      this.tell((api) => cancel(api, reqId))
    }
  }

  /** Tells TWS what nobody waits for an answer to, such as that a request is given up: in its turn, if the session lasts until then. */
  tell(send: (api: IBApi) => void): void {
    this.#inTurn(() => {
      if (this.#state === 'ready') send(this.api)
    })
  }

  /** Ends it for good. */
  end(reason: Error): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#handshake.cancel()
    this.api.disconnect()
    for (const fail of [...this.#conversations.values()]) fail(reason)
    this.#listener.ended(reason)
    this.api.removeAllListeners()
  }

  #listen(): void {
    const { api } = this
    api.on(EventName.sent, (fields: unknown) => {
      this.#sent = Array.isArray(fields) ? fields : []
    })
    api.on(EventName.received, () => {
      this.#heard++
      this.#heardAt = this.#clock.now()
    })
    api.on(EventName.nextValidId, (orderId) => {
      this.#nextOrderId = Math.max(this.#nextOrderId, orderId)
      if (this.#state !== 'connecting') return
      this.#state = 'ready'
      this.#handshake.cancel()
      this.#listener.ready()
    })
    api.on(EventName.disconnected, () => this.end(new TwsError('the connection to TWS is over', undefined)))
    api.on(EventName.info, (message, code) => this.#hearNews(code, message))
    api.on(EventName.error, (error, code, reqId) => this.#hearError(error, code, reqId))
  }

  #hearNews(code: number, message: string): void {
    if (this.#state === 'ended') return
    if (code === TWS.CLIENT_ID_IN_USE) return this.end(new TwsError(message, code))
    if (code === TWS.CONNECTIVITY_LOST || code === TWS.SERVER_LOST) {
      if (this.#state === 'ready') this.#state = 'lost'
      const lost = new TwsError(message, code)
      for (const fail of [...this.#conversations.values()]) fail(lost)
    }
    if ((code === TWS.RESTORED_DATA_LOST || code === TWS.RESTORED_DATA_KEPT) && this.#state === 'lost')
      this.#state = 'ready'
    this.#listener.news(code, message)
  }

  #hearError(error: Error, code: number, reqId: number): void {
    if (reqId === -1) {
      // The SDK's own complaints: only that of the connection ends it; one that cannot be read is news.
      if (code === TWS.CONNECTION_FAILED) return this.end(new TwsError(error.message, code, error))
      return this.#listener.news(code, error.message)
    }
    if (isWarning(code, error.message)) return
    const told = new TwsError(error.message, code)
    const fail = this.#conversations.get(reqId)
    if (fail !== undefined) fail(told)
    else if (reqId < FIRST_REQUEST_ID) this.#listener.orderError(reqId, told)
  }
}
