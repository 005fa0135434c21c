import type { OutgoingHttpHeader, OutgoingHttpHeaders, ServerResponse } from 'node:http'

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[]

/**
 * Puts headers into whatever head is written for an answer. `setHeader` would make Node set every other header one by one
 * too, at three times the cost (bench: `http`).
 */
export function addToHead(answer: ServerResponse, headers: Readonly<Record<string, string>>): void {
  const own = answer.writeHead
  answer.writeHead = (status: number, reasonOrHeaders?: string | Headers, more?: Headers): ServerResponse => {
    if (typeof reasonOrHeaders === 'object' && !Array.isArray(reasonOrHeaders)) {
      // A copy: what it is given may be an object that the application keeps.
      return Reflect.apply(own, answer, [status, { ...reasonOrHeaders, ...headers }])
    }
    for (const name in headers) answer.setHeader(name, headers[name] ?? '')
    return Reflect.apply(own, answer, [status, reasonOrHeaders, more])
  }
}
