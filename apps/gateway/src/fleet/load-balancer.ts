/** A small load balancer in front of the gateways of a fleet: each in turn, among those that run. */
import httpProxy from '@fastify/http-proxy'
import { type FastifyInstance, fastify } from 'fastify'

/** Where requests can go. */
export interface Target {
  /** Undefined while it does not run. */
  readonly url: string | undefined
}

/** Makes a load balancer. It listens once `listen` is called. */
export async function loadBalancer(targets: readonly Target[]): Promise<FastifyInstance> {
  const app = fastify()
  let turn = 0
  const next = (): string => {
    const running = targets.flatMap(({ url }) => (url === undefined ? [] : [url]))
    const chosen = running[turn++ % Math.max(1, running.length)]
    if (chosen === undefined) throw new Error('no gateway runs')
    return chosen
  }
  await app.register(httpProxy, { upstream: '', replyOptions: { getUpstream: next } })
  return app
}
