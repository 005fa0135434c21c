/** Where web sockets come in: a request like others, with faults of its own, until it is one. */
import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock, Random } from 'holdfast'
import { WebSocketServer } from 'ws'
import { delay, latencyMs } from '../faults/delay.ts'
import type { Fault, FaultBook } from '../faults/fault-book.ts'
import { type FaultAction, type FaultRule, type FaultSubject, MESSAGE } from '../faults/fault-rule.ts'
import type { UpstreamStatistics } from '../upstream-statistics.ts'
import { redactHeaders, redactPath, type WireLog } from '../wire-log.ts'
import { SocketPeer } from './socket-peer.ts'

/** What is done with those who come in, by path. */
export type SocketRoutes = Readonly<Record<string, (peer: SocketPeer) => void>>

/** What the door needs of the upstream that it belongs to. */
export interface DoorOwner {
  readonly name: string
  readonly faults: FaultBook<FaultRule, FaultSubject>
  readonly statistics: UpstreamStatistics
}

/** The longest message that is taken, in bytes. */
const LONGEST_MESSAGE = 100_000

export class WebSocketDoor {
  readonly #owner: DoorOwner
  readonly #routes: SocketRoutes
  readonly #around: { readonly clock: Clock; readonly random: Random; readonly log: WireLog }
  readonly #server = new WebSocketServer({ noServer: true, autoPong: false, maxPayload: LONGEST_MESSAGE })
  readonly #waiting = new Set<Duplex>()

  constructor(
    owner: DoorOwner,
    routes: SocketRoutes,
    around: { readonly clock: Clock; readonly random: Random; readonly log: WireLog },
  ) {
    this.#owner = owner
    this.#routes = routes
    this.#around = around
  }

  /** Takes a request for a web socket. */
  async open(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#waiting.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#waiting.delete(socket))
    this.#owner.statistics.begin()
    const url = request.url ?? '/'
    const [path = url] = url.split('?', 1)
    const fault = this.#owner.faults.faultFor({ method: 'GET', path, headers: request.headers })
    const status = await this.#admit(path, fault)
    this.#log(request, url, status, fault)
    if (status === 101) this.#welcome(path, request, socket, head)
    else if (status !== undefined)
      socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`)
    else cutOff(socket, fault?.action)
  }

  /** Ends every connection. */
  close(): void {
    for (const client of this.#server.clients) client.terminate()
    for (const socket of this.#waiting) socket.destroy()
  }

  /** @returns the status to answer with; 101 lets it in; undefined is none */
  async #admit(path: string, fault: Fault<FaultRule> | undefined): Promise<number | undefined> {
    const action = fault?.action
    const { bannedUntil } = this.#owner.statistics
    if (bannedUntil !== null && this.#around.clock.wallTime() < bannedUntil) return 429
    switch (action?.type) {
      case 'reset':
      case 'resetAfter':
      case 'fin':
      case 'hang':
        return undefined
      case 'flap':
        return action.downAction === 'status503' ? 503 : undefined
      case 'status':
        return action.code
      case 'rate429':
        return 429
      case 'latency':
        await delay(this.#around.clock, latencyMs(action, this.#around.random))
    }
    return Object.hasOwn(this.#routes, path) ? 101 : 404
  }

  #welcome(path: string, request: IncomingMessage, socket: Duplex, head: Buffer): void {
    this.#server.handleUpgrade(request, socket, head, (client) => {
      const faultFor = (event: string) => {
        const subject = { method: MESSAGE, path: `${path}/${event}`, headers: request.headers }
        const action = this.#owner.faults.faultFor(subject)?.action
        return action?.type === 'stream' ? action : undefined
      }
      this.#routes[path]?.(new SocketPeer(client, this.#around.clock, faultFor))
    })
  }

  #log(request: IncomingMessage, url: string, status: number | undefined, fault: Fault<FaultRule> | undefined): void {
    this.#owner.statistics.end(status, status === 101)
    this.#around.log.append({
      t: this.#around.clock.wallTime(),
      upstream: this.#owner.name,
      method: request.method ?? 'GET',
      path: redactPath(url),
      headers: redactHeaders(request.headers),
      status: status ?? null,
      executed: status === 101,
      faultId: fault?.id ?? null,
      outcome: status === undefined ? 'cut off' : 'answered',
    })
  }
}

/** Without an answer: silence, an orderly close, or a reset. */
function cutOff(socket: Duplex, action: FaultAction | undefined): void {
  if (action?.type === 'hang' || (action?.type === 'flap' && action.downAction === 'hang')) return
  if (action?.type === 'fin') socket.end()
  else if (socket instanceof Socket) socket.resetAndDestroy()
  else socket.destroy()
}
