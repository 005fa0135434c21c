import { randomUUID } from 'node:crypto'
import type { Refusal } from '../upstream-server.ts'

/** As the real service names its answers. */
export function requestId(): string {
  return randomUUID().replaceAll('-', '')
}

/** The answer for a symbol that is not traded. */
export function unknownTicker(): Refusal {
  return { status: 404, body: { status: 'NOT_FOUND', request_id: requestId(), message: 'Ticker not found.' } }
}
