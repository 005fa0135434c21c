/** Pages of others, in a browser that can reach the gateway: they must not change anything here. */
import { isIP } from 'node:net'
import { PROBLEM_JSON, problem } from '@holdfast/http'
import type { FastifyReply, FastifyRequest, onRequestAsyncHookHandler } from 'fastify'
import { isFromOurPage } from './access.ts'

/**
 * A hook for routes that change something and ask for nobody's name. A program passes. What a page in a browser sends passes
 * only if the page was loaded from the gateway itself, by its address or as `localhost`: whoever owns another name can have
 * it point here after his page was loaded (DNS rebinding), and then is of the same origin as the gateway.
 */
export const refuseForeignPages: onRequestAsyncHookHandler = async (request, reply) =>
  isFromPage(request) && !(isFromOurPage(request) && isBoundToUs(request.headers.host))
    ? answerForeign(reply)
    : undefined

/** Browsers say with everything that may change something where it comes from. */
function isFromPage({ headers }: FastifyRequest): boolean {
  return headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
}

/** Whether nobody but us can be meant by a host. */
function isBoundToUs(host = ''): boolean {
  const name = URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : ''
  return name === 'localhost' || isIP(name.replace(/^\[(.*)\]$/, '$1')) > 0
}

function answerForeign(reply: FastifyReply): FastifyReply {
  const detail =
    'A page in a browser can do this only if it was loaded from the gateway, by its address or as localhost. Have a program of yours send it.'
  return reply
    .code(403)
    .type(PROBLEM_JSON)
    .send(problem('foreign-page', 403, 'The page is not ours', detail))
}
