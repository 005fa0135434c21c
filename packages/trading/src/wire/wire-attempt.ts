/**
 * Proof from the wire: whether the request of an attempt ever left this process. A reset before and a reset after the
 * broker acted look the same to a client; but undici, which is `fetch` and every SDK built on it, publishes
 * `undici:client:sendHeaders` for exactly those requests whose first byte it writes.
 *
 * Requests are told apart by a private header, never by AsyncLocalStorage: a pooled client writes a request in the context
 * of whoever freed the connection, and a wrong "never sent" is a doubled order.
 */
import { channel } from 'node:diagnostics_channel'

/** The header that tells our attempts apart on their way through an SDK. */
export const ATTEMPT_HEADER = 'x-holdfast-attempt'

/**
 * What the wire shows of an attempt:
 * - `sent`: its headers were handed to a connection;
 * - `never-sent`: its request was made and has not left; from now on it cannot leave any more;
 * - `unknown`: nobody saw its request (another transport, HTTP/2, a mock): that proves nothing.
 */
export type WireEvidence = 'sent' | 'never-sent' | 'unknown'

/** What has been seen of an attempt's request. */
interface Sighting {
  stage: 'unseen' | 'made' | 'sent' | 'sealed'
  origin: string
  /** Whether it must not leave any more, should it be made only now. */
  isHeld: boolean
}

/** Attempts that are under way, by the value of their header. */
const underWay = new Map<string, Sighting>()
/** The attempt behind a request of undici's. */
const sightings = new WeakMap<object, Sighting>()
/** Origins with a connection that carries many requests at once: there a request shows itself in other ways, or not at all. */
const multiplexed = new Set<string>()
let listening = false
let count = 0

/**
 * One attempt to send something. Hand its header to the SDK or to `fetch`; when the attempt has failed, ask for the
 * evidence; at the end, forget it.
 *
 * @example
 * const attempt = new WireAttempt()
 * try { await fetch(url, { method: 'POST', headers: { ...attempt.headers }, signal }) }
 * catch (error) { if (attempt.evidence() === 'never-sent') throw new NeverSentError(error); throw error }
 * finally { attempt.end() }
 */
export class WireAttempt {
  /** To be set on the request. */
  readonly headers: Readonly<Record<typeof ATTEMPT_HEADER, string>>
  readonly #sighting: Sighting = { stage: 'unseen', origin: '', isHeld: false }

  constructor() {
    listen()
    const id = `${process.pid.toString(36)}-${(count++).toString(36)}`
    this.headers = { [ATTEMPT_HEADER]: id }
    underWay.set(id, this.#sighting)
  }

  /**
   * What the wire shows. Ask once the attempt has failed. "Never sent" holds for good: should the request be about to be
   * written after all, its connection is closed instead.
   */
  evidence(): WireEvidence {
    const sighting = this.#sighting
    if (sighting.stage === 'made' && !multiplexed.has(sighting.origin)) sighting.stage = 'sealed'
    if (sighting.stage === 'sealed') return 'never-sent'
    return sighting.stage === 'sent' ? 'sent' : 'unknown'
  }

  /**
   * Keeps the request from leaving, if it has not left, and tells what holds from then on. Of a request that nobody has
   * seen yet nothing is proven; should it be made later, by `fetch` or an SDK on it, it does not leave.
   */
  hold(): WireEvidence {
    this.#sighting.isHeld = true
    return this.evidence()
  }

  /** Forgets the attempt. */
  end(): void {
    underWay.delete(this.headers[ATTEMPT_HEADER])
  }
}

function listen(): void {
  if (listening) return
  listening = true
  channel('undici:request:create').subscribe(onCreate)
  channel('undici:client:sendHeaders').subscribe(onSendHeaders)
  channel('undici:client:connected').subscribe(onConnected)
}

function onCreate(message: unknown): void {
  if (underWay.size === 0) return
  const request = field(message, 'request')
  const id = attemptOf(field(request, 'headers'))
  const sighting = id === undefined ? undefined : underWay.get(id)
  if (sighting === undefined || typeof request !== 'object' || request === null) return
  sightings.set(request, sighting)
  sighting.origin = String(field(request, 'origin'))
  if (sighting.stage === 'unseen')
    sighting.stage = sighting.isHeld && !multiplexed.has(sighting.origin) ? 'sealed' : 'made'
}

function onSendHeaders(message: unknown): void {
  const request = field(message, 'request')
  if (typeof request !== 'object' || request === null) return
  const sighting = sightings.get(request)
  if (sighting === undefined) return
  if (sighting.stage !== 'sealed') {
    sighting.stage = 'sent'
    return
  }
  // It was said that this request never left. Nothing is written yet, and with its connection gone nothing will be.
  const socket = field(message, 'socket')
  const destroy = field(socket, 'destroy')
  if (typeof destroy === 'function') Reflect.apply(destroy, socket, [])
}

function onConnected(message: unknown): void {
  const parameters = field(message, 'connectParams')
  const isMultiplexed =
    field(parameters, 'version') === 'h2' || field(field(message, 'socket'), 'alpnProtocol') === 'h2'
  if (isMultiplexed) multiplexed.add(`${String(field(parameters, 'protocol'))}//${String(field(parameters, 'host'))}`)
}

/** The value of our header: undici keeps headers as a flat list of names and values, old versions as one text. */
function attemptOf(headers: unknown): string | undefined {
  if (typeof headers === 'string') return /^x-holdfast-attempt: *(\S+)/im.exec(headers)?.[1]
  if (!Array.isArray(headers)) return undefined
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name: unknown = headers[index]
    if (typeof name === 'string' && name.toLowerCase() === ATTEMPT_HEADER) return String(headers[index + 1])
  }
  return undefined
}

function field(target: unknown, key: string): unknown {
  return typeof target === 'object' && target !== null ? Reflect.get(target, key) : undefined
}
