import type { Context } from 'hono'
import { nodeBindings } from './node-bindings.ts'

/**
 * The address at the other end of the socket, as the runtimes tell it: Node (`@hono/node-server`), Deno and Bun in `env`,
 * Cloudflare's workers in a header that their edge sets on every request and that no client can choose.
 *
 * @returns undefined where nobody tells; then give `address` to the middleware
 */
export function remoteAddress(context: Context): string | undefined {
  const env: unknown = context.env
  const node = nodeBindings(context)
  if (node !== undefined) return node.incoming.socket.remoteAddress
  const deno = read(read(env, 'remoteAddr'), 'hostname')
  if (typeof deno === 'string') return deno
  const bun = bunAddress(read(env, 'server') ?? env, context.req.raw)
  if (bun !== undefined) return bun
  // Only the runtime itself can put `cf` on a request.
  return read(context.req.raw, 'cf') === undefined ? undefined : context.req.header('cf-connecting-ip')
}

function bunAddress(server: unknown, request: Request): string | undefined {
  const requestIp = read(server, 'requestIP')
  if (typeof requestIp !== 'function') return undefined
  const address = read(Reflect.apply(requestIp, server, [request]), 'address')
  return typeof address === 'string' ? address : undefined
}

function read(target: unknown, key: string): unknown {
  return typeof target === 'object' && target !== null ? Reflect.get(target, key) : undefined
}
