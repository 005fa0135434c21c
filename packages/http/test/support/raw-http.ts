import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect } from 'node:net'
import { vi } from 'vitest'

/** What came back. */
export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is asked for. */
export interface Question {
  readonly method?: string
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const connections = new Agent({ keepAlive: true, maxSockets: 64 })

/** Asks with path and headers exactly as they are written: `fetch` would mend them. */
export function ask(port: number, { method = 'GET', path = '/', headers = {}, body }: Question = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = request({ host: '127.0.0.1', port, method, path, headers, agent: connections }, (answer) => {
      let received = ''
      answer.setEncoding('utf8').on('data', (chunk) => {
        received += chunk
      })
      answer.on('error', reject)
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: received }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

/** The statuses of questions that are asked one after another. */
export async function statusesOf(port: number, questions: readonly Question[]): Promise<number[]> {
  const seen: number[] = []
  for (const question of questions) seen.push((await ask(port, question)).status)
  return seen
}

/** Sends text as it is over a socket, in one write, and returns all that comes back until the other side closes. */
export function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer)).on('error', reject)
  })
}

/** The statuses in what came back over one socket, in order. */
export function statusLines(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

/** Sends text as it is, and closes the connection once something has happened. */
export async function hangUpOnce(port: number, text: string, hasHappened: () => boolean): Promise<void> {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  await vi.waitFor(() => {
    if (!hasHappened()) throw new Error('it has not happened')
  })
  socket.destroy()
}
