import type { IncomingMessage, ServerResponse } from 'node:http'

/** Middleware as Express 5 takes it, and everything else that takes Connect's. */
export type ExpressMiddleware<Request extends IncomingMessage = IncomingMessage> = (
  request: Request,
  response: ServerResponse,
  next: (error?: unknown) => void,
) => void

interface HandedOn extends IncomingMessage {
  readonly originalUrl?: string
}

/** In a mounted application Express takes the mount's path off `url`. */
export function wholeUrl(request: HandedOn): string {
  return request.originalUrl ?? request.url ?? '/'
}
