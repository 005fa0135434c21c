import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'vitest'

/** A wire between clients and a server, over real sockets, whose faults a test sets. */
export interface SlowWire {
  readonly url: string
  /** How long everything takes each way, in milliseconds. */
  latencyMs: number
  /** Whether it passes anything on. A connection on which it once has not is dead for good, and nobody is told. */
  passes: boolean
}

/** Puts a wire in front of a port. */
export async function slowWire(test: TestContext, port: number): Promise<SlowWire> {
  const sockets = new Set<Socket>()
  const wire = { url: '', latencyMs: 0, passes: true }
  const dead = new Set<Socket>()
  const join = (from: Socket, to: Socket): void => {
    sockets.add(from)
    from.on('data', (data) => {
      if (!wire.passes) for (const end of [from, to]) dead.add(end)
      if (dead.has(from)) return
      if (wire.latencyMs === 0) to.write(data)
      else setTimeout(() => to.write(data), wire.latencyMs)
    })
    from.on('error', () => to.destroy())
    from.on('close', () => {
      sockets.delete(from)
      if (!dead.has(from)) to.destroy()
    })
  }
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    join(client, upstream)
    join(upstream, client)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  test.onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  wire.url = `redis://127.0.0.1:${address.port}`
  return wire
}
