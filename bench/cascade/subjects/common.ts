/** What a careful reader of any manual sets up: which errors are the service's fault, and which are worth a retry. */
import { type ScenarioRequest, UpstreamError } from '@holdfast/testing'

/** How often a failed request is tried again. */
export const MAX_RETRIES = 3

/** How long before the first retry, in milliseconds; doubles with each further one. */
export const BASE_DELAY_MS = 100

/** How many calls wait for one of the slots. */
export const MAX_QUEUE = 100

/** How long a circuit stays open, in milliseconds. */
export const RECOVERY_TIMEOUT_MS = 2_000

/** An answer that says "no" is no fault of the service. */
export function isFault(error: unknown): boolean {
  return !(error instanceof UpstreamError) || error.status === undefined || error.status >= 500
}

/** An order is only sent again when it certainly was not sent. */
export function isWorthRetry({ route }: ScenarioRequest, error: unknown): boolean {
  if (route.kind === 'order') return error instanceof UpstreamError && error.code === 'ECONNREFUSED'
  return isFault(error) || (error instanceof UpstreamError && error.status === 429)
}
