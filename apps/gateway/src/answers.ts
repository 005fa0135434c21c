/** Failures as the gateway's clients see them. */
import { type Problem, problem, problemOf, requestProblemOf } from '@holdfast/http'
import {
  AccountLostError,
  AccountTakenError,
  InvalidRequestError,
  JournalError,
  KillSwitchError,
  MalformedAnswerError,
  NoSourceError,
  NotReadyError,
  OrderInDoubtError,
  OrderRefusedError,
} from '@holdfast/trading'
import type { Clock } from 'holdfast'
import { ZodError } from 'zod'
import { ImpossibleActError } from './control/act-plan.ts'
import { NotPermittedError } from './control/controller.ts'

/** The problem behind an error, whatever it is. @param clock to read dates in a service's `Retry-After` */
export function gatewayProblem(error: unknown, clock: Clock): Problem {
  if (error instanceof ZodError) return invalid(error)
  if (error instanceof InvalidRequestError) {
    return problem('invalid-request', 400, 'The request makes no sense', error.message, { code: error.code })
  }
  if (error instanceof OrderInDoubtError) {
    const { clientOrderId, code } = error
    const detail =
      'Nobody knows whether the broker has the order; it is being looked up. Send the very same request with this clientOrderId to hear what became of it, and never under another id.'
    return { ...problem('order-in-doubt', 504, 'The order is in doubt', detail, { code }), clientOrderId }
  }
  if (error instanceof MalformedAnswerError) {
    return problem('malformed-answer', 502, 'The service answered nonsense', error.message, { code: error.code })
  }
  if (error instanceof NoSourceError) {
    const [only, ...others] = error.failed
    if (only !== undefined && others.length === 0) return gatewayProblem(only.error, clock)
    const { message, code, retryAfterMs } = error
    return problem('no-source', 503, 'No source of data answers', message, { code, retryAfterMs })
  }
  if (error instanceof KillSwitchError) {
    return problem('orders-stopped', 503, 'New orders are stopped', error.message, { code: error.code })
  }
  if (error instanceof NotReadyError) {
    const more = { code: error.code, retryAfterMs: 1_000 }
    return problem('orders-not-ready', 503, 'Orders are not taken yet', error.message, more)
  }
  if (error instanceof JournalError) {
    return problem('journal-failed', 503, 'The journal of orders failed', error.message, { code: error.code })
  }
  if (error instanceof AccountLostError || error instanceof AccountTakenError) {
    return problem('account-elsewhere', 503, 'Another process has the account', error.message, { code: error.code })
  }
  if (error instanceof OrderRefusedError && error.cause === undefined) {
    return problem('service-refused', 422, 'The service does not accept the request', error.message, {
      code: error.code,
    })
  }
  if (error instanceof ImpossibleActError) {
    return problem('impossible', 409, 'It cannot be done', error.message, { code: error.code })
  }
  if (error instanceof NotPermittedError) {
    return problem('not-permitted', 403, 'Not permitted', error.message, { code: error.code })
  }
  return (
    requestProblemOf(error) ??
    problemOf(error, clock) ??
    problem('internal-error', 500, 'The gateway failed', 'This is our fault; the log has more.')
  )
}

function invalid({ issues }: ZodError): Problem {
  const told = issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
  return problem('invalid-request', 400, 'The request makes no sense', told.join('; '))
}
