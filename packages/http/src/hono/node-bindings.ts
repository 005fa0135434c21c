import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Context } from 'hono'

/** Node's own request and answer, as `@hono/node-server` puts them into `env`. */
export interface NodeBindings {
  readonly incoming: IncomingMessage
  readonly outgoing: ServerResponse
}

/** Node's own request and answer; undefined on every other runtime. */
export function nodeBindings({ env }: Context): NodeBindings | undefined {
  // An application with an `env` of its own has them one level down.
  const bindings: unknown = isObject(env) && isObject(env.server) ? env.server : env
  return isNodeBindings(bindings) ? bindings : undefined
}

function isNodeBindings(bindings: unknown): bindings is NodeBindings {
  if (!isObject(bindings) || !isObject(bindings.incoming) || !isObject(bindings.outgoing)) return false
  return isObject(bindings.incoming.socket) && typeof bindings.outgoing.writeHead === 'function'
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null
}
