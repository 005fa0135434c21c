/** Failures as the gateway's clients see them. */
import { type Problem, problem, problemOf } from '@holdfast/http'
import { InvalidRequestError, MalformedAnswerError, OrderInDoubtError } from '@holdfast/trading'
import type { Clock } from 'holdfast'
import { ZodError } from 'zod'
import { ImpossibleActError } from './control/act-plan.ts'
import { NotPermittedError } from './control/controller.ts'
import { OrdersStoppedError } from './control/kill-switch.ts'
import { ClientGoneError } from './request-signal.ts'

/** The problem behind an error, whatever it is. @param clock to read dates in a service's `Retry-After` */
export function gatewayProblem(error: unknown, clock: Clock): Problem {
  if (error instanceof ZodError) return invalid(error)
  if (error instanceof InvalidRequestError) {
    return problem('invalid-request', 400, 'The request makes no sense', error.message, { code: error.code })
  }
  if (error instanceof OrderInDoubtError) {
    const { clientOrderId, code } = error
    const where = `GET /v1/orders/${encodeURIComponent(clientOrderId)}?by=clientOrderId`
    const detail = `Nobody knows whether the broker has the order. Ask ${where} before anything else, and do not send it again under another id.`
    return { ...problem('order-in-doubt', 504, 'The order is in doubt', detail, { code }), clientOrderId }
  }
  if (error instanceof MalformedAnswerError) {
    return problem('malformed-answer', 502, 'The service answered nonsense', error.message, { code: error.code })
  }
  if (error instanceof OrdersStoppedError) {
    return problem('orders-stopped', 503, 'New orders are stopped', error.message, { code: error.code })
  }
  if (error instanceof ImpossibleActError) {
    return problem('impossible', 409, 'It cannot be done', error.message, { code: error.code })
  }
  if (error instanceof NotPermittedError) {
    return problem('not-permitted', 403, 'Not permitted', error.message, { code: error.code })
  }
  if (error instanceof ClientGoneError) return problem('client-gone', 499, 'The client has hung up', error.message)
  return (
    requestProblem(error) ??
    problemOf(error, clock) ??
    problem('internal-error', 500, 'The gateway failed', 'This is our fault; the log has more.')
  )
}

function invalid({ issues }: ZodError): Problem {
  const told = issues.slice(0, 5).map(({ path, message }) => `${path.join('.') || 'body'}: ${message}`)
  return problem('invalid-request', 400, 'The request makes no sense', told.join('; '))
}

/** Fastify's own complaints about a request: a URL or a body that cannot be read, or is too large. */
function requestProblem(error: unknown): Problem | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('statusCode' in error)) return undefined
  const { code, statusCode, message } = error
  if (typeof code !== 'string' || !code.startsWith('FST_ERR_')) return undefined
  if (typeof statusCode !== 'number' || statusCode < 400 || statusCode > 499) return undefined
  return problem('invalid-request', statusCode, 'The request makes no sense', message.slice(0, 200), { code })
}
