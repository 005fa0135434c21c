/** One client's connection: its greeting, its messages in order, and what it is told. */
import type { Socket } from 'node:net'
import { latencyMs } from '../faults/delay.ts'
import type { Fault } from '../faults/fault-book.ts'
import { ORDER_REF_FIELD } from './place-order.ts'
import type { RequestContext, RequestHandler } from './request-context.ts'
import { SessionOutput } from './session-output.ts'
import { Subscriptions } from './subscriptions.ts'
import { clockText } from './time-text.ts'
import { CONNECTING, isServerEvent, type TwsFaultAction, type TwsFaultRule } from './tws-fault-rule.ts'
import type { TwsServer } from './tws-server.ts'
import { BadMessageError, FieldReader } from './wire/field-reader.ts'
import { BadFrameError, type Field, FrameReader } from './wire/frame.ts'
import { REQUEST, requestName } from './wire/message-ids.ts'
import { error, NO_ID, SERVER_VERSION } from './wire/messages.ts'

/** A message that waits to be told, until TWS has Interactive Brokers again. */
interface Withheld {
  readonly fields: readonly Field[]
  readonly written: (() => void) | undefined
}

/** Which messages are answered by TWS itself, whether it has Interactive Brokers or not. */
const ANSWERED_BY_TWS: ReadonlySet<number> = new Set([
  REQUEST.START_API,
  REQUEST.REQ_CURRENT_TIME,
  REQUEST.REQ_MANAGED_ACCTS,
])

export class TwsSession {
  /** Undefined until the client has started its session. */
  clientId: number | undefined
  /** How many requests for historical data are not answered yet. */
  openHistory = 0
  readonly subscriptions: Subscriptions
  readonly output: SessionOutput
  readonly #tws: TwsServer
  readonly #socket: Socket
  readonly #reader = new FrameReader()
  readonly #handlers: ReadonlyMap<number, RequestHandler>
  readonly #key: string
  #greeted = false
  #silent = false
  #queue: Promise<void> = Promise.resolve()
  #withheld: Withheld[] = []
  #violations = 0
  #answeredByTws = false
  #errorCode: number | undefined

  /** @param key tells the connection from all others */
  constructor(socket: Socket, key: string, tws: TwsServer, handlers: ReadonlyMap<number, RequestHandler>) {
    this.#socket = socket
    this.#key = key
    this.#tws = tws
    this.#handlers = handlers
    this.output = new SessionOutput(socket, tws.clock)
    this.subscriptions = new Subscriptions(this, tws)
    socket.setNoDelay(true)
    socket.on('data', (bytes) => this.#read(bytes))
    // A client that goes away without a word is a client that has gone.
    socket.on('error', () => socket.destroy())
    socket.on('close', () => tws.forget(this))
    const fault = tws.faults.faultFor({ msgId: CONNECTING, clientId: undefined, orderRef: '' })
    if (fault !== undefined) socket.resetAndDestroy()
  }

  /** Whether its messages still reach anybody. */
  get isAlive(): boolean {
    return !this.#socket.destroyed && !this.#silent
  }

  /** Tells the client something. @param written told when it has been handed to the network */
  send(fields: readonly Field[], written?: () => void): void {
    if (this.#tws.isLost && !this.#answeredByTws) this.#withheld.push({ fields, written })
    else this.output.send(fields, written)
  }

  /** Tells what TWS knows by itself, also while it has no connection to Interactive Brokers. */
  sendLocally(fields: readonly Field[]): void {
    this.output.send(fields)
  }

  /** Refuses what is being asked for. */
  refuse(id: number, code: number, message: string): void {
    this.#errorCode = code
    this.send(error(id, code, message))
  }

  /** Interactive Brokers is there again. @param told whether what happened meanwhile is told now, or lost */
  restored(told: boolean): void {
    const withheld = this.#withheld
    this.#withheld = []
    if (!told) return this.subscriptions.clear()
    for (const { fields, written } of withheld) this.output.send(fields, written)
  }

  /** Nothing is read or told any more; the connection stays open. */
  silence(): void {
    this.#silent = true
    this.output.silence()
  }

  /** Ends the connection: at once, by a reset, or in an orderly way. */
  end(how: 'destroy' | 'reset' | 'fin'): void {
    if (how === 'reset') this.#socket.resetAndDestroy()
    else if (how === 'fin') this.#socket.end()
    else this.#socket.destroy()
    this.#silent = true
  }

  /** Ends the connection after what was sent has gone out. */
  finish(): void {
    this.#silent = true
    this.#socket.end()
  }

  #read(bytes: Buffer): void {
    if (this.#silent) return
    try {
      for (const message of this.#reader.push(bytes)) {
        if (this.#greeted) this.#arrive(message)
        else this.#greet(message[0] ?? '')
      }
    } catch (problem) {
      if (!(problem instanceof BadFrameError)) throw problem
      this.end('destroy')
    }
  }

  /** @param versions like `v100..193`, and maybe options after a space */
  #greet(versions: string): void {
    const [, from, to = from] = /^v(\d{1,9})(?:\.\.(\d{1,9}))?(?: |$)/.exec(versions) ?? []
    if (from === undefined || Number(from) > SERVER_VERSION || Number(to) < SERVER_VERSION) return this.end('destroy')
    this.#greeted = true
    this.output.send([SERVER_VERSION, clockText(this.#tws.marketClock.now(), 'EST')])
  }

  #arrive(message: readonly string[]): void {
    const { statistics } = this.#tws
    statistics.begin()
    const allowed = this.#isWithinPace()
    this.#queue = this.#queue.then(() => this.#handle(message, allowed))
  }

  /** Counts a message against the limit. */
  #isWithinPace(): boolean {
    const { counted, limit, violationsBeforeDisconnect } = this.#tws.countMessage(this.#key)
    if (counted) return true
    this.#violations++
    this.#tws.statistics.rateViolations++
    const text = `Max rate of messages per second has been exceeded:max=${limit} rec=${limit + 1} (${this.#violations})`
    this.output.send(error(NO_ID, 100, text))
    if (this.#violations >= violationsBeforeDisconnect) this.finish()
    return false
  }

  async #handle(message: readonly string[], allowed: boolean): Promise<void> {
    const msgId = Number(message[0])
    const orderRef = msgId === REQUEST.PLACE_ORDER ? (message[ORDER_REF_FIELD] ?? '') : ''
    const clientId = msgId === REQUEST.START_API ? Number(message[2]) : this.clientId
    const isHeard = allowed && this.isAlive
    const fault = isHeard ? this.#tws.faults.faultFor({ msgId, clientId, orderRef }) : undefined
    const executed = allowed && (await this.#execute(msgId, message, fault))
    if (msgId === REQUEST.PLACE_ORDER) this.#tws.noteOrderId(Number(message[1]), executed)
    if (this.clientId !== undefined) this.#tws.statistics.countKey(`client ${this.clientId}`)
    this.#tws.statistics.end(this.#errorCode ?? (this.isAlive ? 'answered' : undefined), executed)
    this.#tws.log.append({
      t: this.#tws.clock.wallTime(),
      upstream: this.#tws.name,
      method: requestName(msgId),
      path: message.join('|').slice(0, 300),
      headers: {},
      status: this.#errorCode ?? null,
      executed,
      faultId: fault?.id ?? null,
      outcome: this.isAlive ? 'answered' : 'cut off',
    })
    this.#errorCode = undefined
  }

  /** @returns whether it took effect */
  async #execute(msgId: number, message: readonly string[], fault: Fault<TwsFaultRule> | undefined): Promise<boolean> {
    const action = fault?.action
    const slow = action?.type === 'latency' ? latencyMs(action, this.#tws.random) : 0
    const early = action?.type === 'latency' && action.where === 'before'
    const release = await this.#tws.workers.work(early ? slow : 0)
    try {
      if (!this.isAlive || (action !== undefined && this.#endsBefore(action))) return false
      if (slow > 0 && !early) this.output.pause(slow)
      if (action !== undefined) this.#spoil(action)
      this.#answeredByTws = ANSWERED_BY_TWS.has(msgId)
      this.#dispatch({ session: this, tws: this.#tws, message, fields: new FieldReader(message, 1), fault }, msgId)
      this.#answeredByTws = false
      this.output.manner = undefined
      if (action !== undefined) this.#endAfter(action)
      return this.#errorCode === undefined
    } finally {
      release()
    }
  }

  #dispatch(context: RequestContext, msgId: number): void {
    const handler = this.#handlers.get(msgId)
    try {
      if (this.clientId === undefined && msgId !== REQUEST.START_API) {
        throw new BadMessageError('the session was not started')
      }
      if (handler === undefined) throw new BadMessageError(`there is no message ${msgId}`)
      handler(context)
    } catch (problem) {
      if (!(problem instanceof BadMessageError)) throw problem
      this.refuse(NO_ID, 320, `Server error when reading an API client request: ${problem.message}`)
    }
  }

  /** Faults that keep a message from taking effect. */
  #endsBefore(action: TwsFaultAction): boolean {
    if (isServerEvent(action)) {
      this.#tws.happen(action)
      return action.type === 'restart'
    }
    if (action.type === 'flap') {
      if (action.downAction === 'hang') this.silence()
      else this.end('reset')
      return true
    }
    if (!('where' in action) || action.where !== 'before') return false
    if (action.type === 'hang') this.silence()
    else if (action.type === 'reset') this.end('reset')
    else if (action.type === 'fin') this.end('fin')
    else if (action.type === 'dieOnSubmit') this.end('destroy')
    return action.type !== 'latency'
  }

  /** Faults that spoil the answer. */
  #spoil(action: TwsFaultAction): void {
    if (action.type === 'slowDrip') this.output.manner = { ...action, type: 'drip' }
    else if (action.type === 'partial') this.output.manner = { type: 'cut', bytes: action.bytes }
    else if (action.type === 'partialFrame') this.output.manner = { type: 'half', pauseMs: action.pauseMs }
    else if (action.type === 'malformed') this.output.manner = { type: 'malformed', mode: action.mode }
    else if (action.type === 'splitFrames') this.output.splitInto = action.bytes
    else if (endingAfter(action) !== undefined) this.output.silence()
  }

  #endAfter(action: TwsFaultAction): void {
    const ending = endingAfter(action)
    if (ending === 'silence') this.silence()
    else if (ending !== undefined) this.end(ending)
  }
}

/** How a connection ends after a message took effect, with nothing told. */
function endingAfter(action: TwsFaultAction): 'silence' | 'reset' | 'fin' | 'destroy' | undefined {
  if (action.type === 'resetAfter') return 'reset'
  if (!('where' in action) || action.where !== 'after') return undefined
  switch (action.type) {
    case 'hang':
      return 'silence'
    case 'reset':
    case 'fin':
      return action.type
    case 'dieOnSubmit':
      return 'destroy'
    default:
      return undefined
  }
}
