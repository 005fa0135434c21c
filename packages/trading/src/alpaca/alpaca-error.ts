/** The SDK's errors in the words of all brokers and providers. */
import { briefFailure, describeFailure, type FailureFacts } from 'holdfast'
import { MalformedAnswerError, TradingError, UpstreamRequestError } from '../errors.ts'

/** @param service of which the error is told */
export function alpacaError(service: string, operation: string, error: unknown): unknown {
  if (error instanceof TradingError) return error
  // The SDK lets a 200 whose body is no JSON, or another JSON, through as a bare error of the language.
  if (error instanceof SyntaxError) return new MalformedAnswerError(service, operation, 'its body is no JSON', error)
  if (isBug(error)) return new MalformedAnswerError(service, operation, 'the SDK cannot read it', error)
  const facts = describeFailure(error)
  if (facts.kind === 'cancelled' || !(error instanceof Error)) return error
  const message = `${service}.${operation}: ${saidBy(error, facts).slice(0, 300)}`
  return new UpstreamRequestError(message, { ...facts, retryAfterMs: waitMs(error, facts) }, error)
}

/** Where there was no answer the SDK has the same words for everything: what happened stands in the cause. */
function saidBy(error: Error, { status }: FailureFacts): string {
  if (status !== undefined || error.cause === undefined) return error.message
  return `no answer, ${briefFailure(error.cause)}`
}

/** A TypeError of the language, not of `fetch`, which has a cause. */
function isBug(error: unknown): boolean {
  return error instanceof TypeError && error.cause === undefined
}

/**
 * How long to wait after a refusal for being too fast that says when the limit begins anew: told by Alpaca's clock, and
 * compared with that. The SDK compares it with ours, which may be hours away.
 */
function waitMs(error: Error, { throttled, retryAfterMs }: FailureFacts): number | undefined {
  const response: unknown = Reflect.get(error, 'response')
  if (!throttled || !(response instanceof Response) || response.headers.has('retry-after')) return retryAfterMs
  const reset = Number(response.headers.get('x-ratelimit-reset') ?? Number.NaN) * 1_000
  const told = Date.parse(response.headers.get('date') ?? '')
  return Number.isNaN(reset) || Number.isNaN(told) ? retryAfterMs : Math.max(0, reset - told)
}
