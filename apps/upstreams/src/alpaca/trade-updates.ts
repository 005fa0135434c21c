/** `/stream`: what happens to orders, told as it happens. */
import { z } from 'zod'
import { Pulse } from '../market/pulse.ts'
import type { Simulation } from '../simulation.ts'
import type { SocketPeer } from '../web-sockets/socket-peer.ts'
import { isAuthorized } from './authorization.ts'
import type { OrderEvent } from './order.ts'
import { orderJson, timeText } from './shapes.ts'

const request = z.discriminatedUnion('action', [
  z.object({
    action: z.literal(['authenticate', 'auth']),
    data: z.object({ key_id: z.string(), secret_key: z.string() }),
  }),
  z.object({ action: z.literal('listen'), data: z.object({ streams: z.array(z.string()).max(10) }) }),
])

const TRADE_UPDATES = 'trade_updates'

export class TradeUpdates {
  readonly #listening = new Set<SocketPeer>()
  readonly #pulse: Pulse

  constructor(simulation: Simulation) {
    this.#pulse = new Pulse(
      simulation.clock,
      () => simulation.marketClock,
      () => {
        simulation.book.settle()
        return this.#listening.size > 0
      },
    )
    simulation.onOrderEvent((event) => this.#tell(event))
  }

  /** Serves a client. */
  readonly welcome = (peer: SocketPeer): void => {
    let authorized = false
    peer.onClose(() => this.#listening.delete(peer))
    peer.onMessage((message) => {
      const read = request.safeParse(message)
      if (!read.success) return peer.answer({ action: 'error', data: { error_message: 'invalid syntax' } })
      const { action, data } = read.data
      if (action !== 'listen') {
        authorized = isAuthorized(data.key_id, data.secret_key)
        return peer.answer(authorization('authenticate', authorized))
      }
      if (!authorized) return peer.answer(authorization('listen', false))
      const streams = data.streams.filter((stream) => stream === TRADE_UPDATES)
      if (streams.length === 0) this.#listening.delete(peer)
      else this.#listening.add(peer)
      this.#pulse.start()
      return peer.answer({ stream: 'listening', data: { streams } })
    })
  }

  #tell({ event, order, at, fill, positionQty }: OrderEvent): void {
    if (this.#listening.size === 0) return
    if (event === 'pending_new' || event === 'accepted') this.#pulse.start()
    const details =
      fill === undefined
        ? {}
        : { execution_id: fill.id, price: String(fill.price), qty: String(fill.qty), position_qty: String(positionQty) }
    const data = { event, ...details, timestamp: timeText(at), order: orderJson(order) }
    for (const peer of this.#listening) peer.tell(event, { stream: TRADE_UPDATES, data })
  }
}

function authorization(action: string, authorized: boolean): object {
  return { stream: 'authorization', data: { action, status: authorized ? 'authorized' : 'unauthorized' } }
}
