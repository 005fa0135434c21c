/** Asking the gateway. */
import type { ProblemView } from '../api.ts'

/** The gateway said no, or nothing that can be understood. */
export class GatewayError extends Error {
  override readonly name = 'GatewayError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Asks and reads the answer. @throws GatewayError with what the gateway says */
export async function ask<Answer>(path: string, init: RequestInit = {}): Promise<Answer> {
  const answer = await fetch(path, { ...init, credentials: 'same-origin' }).catch(() => {
    throw new GatewayError(0, 'The gateway cannot be reached. It may be starting again; nothing was done.')
  })
  if (!answer.ok) throw new GatewayError(answer.status, await complaintOf(answer))
  const text = await answer.text()
  return JSON.parse(text === '' ? 'null' : text)
}

/** Sends JSON. */
export function send<Answer>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const type = { 'content-type': 'application/json' }
  return ask(path, { method: 'POST', headers: { ...type, ...headers }, body: JSON.stringify(body) })
}

async function complaintOf(answer: Response): Promise<string> {
  try {
    const problem: Partial<ProblemView> = await answer.json()
    return problem.detail ?? problem.title ?? `The gateway answers ${answer.status}.`
  } catch {
    return `The gateway answers ${answer.status}.`
  }
}
