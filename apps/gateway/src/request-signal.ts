import type { FastifyReply } from 'fastify'

/** The client has closed its connection before it had its answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError'
  readonly code = 'GATEWAY_CLIENT_GONE'
}

/**
 * Aborted when the client hangs up, so that a read which nobody waits for is given up. Never handed to an order: what may
 * have been sent is not given up.
 */
export function requestSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController()
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort(new ClientGoneError('the client has hung up'))
  })
  return controller.signal
}
