import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type ControlOptions,
  createGateway,
  type Gateway,
  guardUpstreams,
  TokenBook,
  tokenEntry,
} from '@holdfast/gateway'
import { VirtualClock } from '@holdfast/testing'
import type { Resilience } from 'holdfast'
import { onTestFinished } from 'vitest'
import { type Answered, type AskInit, ask } from '../support.ts'

/** Good tokens, by the name and the role of whom they belong to. */
export const TOKENS = { viewer: 'viewers-token', operator: 'operators-token', admin: 'admins-token' } as const

/** What the configuration says of them. */
export function tokenBook(): TokenBook {
  const entries = (['viewer', 'operator', 'admin'] as const).map((role) =>
    tokenEntry({ name: `a-${role}`, role }, TOKENS[role]),
  )
  return new TokenBook(entries.join(','))
}

/** A gateway with the control API, on a clock that the test moves; its services are asked by the test itself. */
export interface Controlled {
  readonly clock: VirtualClock
  readonly gateway: Gateway
  readonly resilience: Resilience
  readonly port: number
  /** Asks with the token of that role. */
  as(role: keyof typeof TOKENS, path: string, init?: AskInit): Promise<Answered>
  /** An act of the operator's, or of another. */
  act(body: object, role?: keyof typeof TOKENS): Promise<Answered>
}

/** Starts one. */
export async function startControlled(
  options: { clock?: VirtualClock; control?: Partial<ControlOptions>; consoleFolder?: string } = {},
): Promise<Controlled> {
  const clock = options.clock ?? new VirtualClock()
  const upstreams = guardUpstreams(
    { alpaca: { keyId: 'key', secretKey: 'secret', paper: true }, polygon: { apiKey: 'key' } },
    { clock, overrides: { alpaca: { retry: false }, polygon: { retryBudget: { capacity: 20 } } } },
  )
  const gateway = await createGateway({
    upstreams,
    limits: { tokensPerSecond: 10_000, burstSize: 10_000 },
    clock,
    control: { tokens: tokenBook(), secureCookies: false, ...options.control },
    consoleFolder: options.consoleFolder,
  })
  const address = await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => gateway.stop())
  const port = Number(new URL(address).port)
  const as: Controlled['as'] = (role, path, init = {}) =>
    ask(port, path, { ...init, headers: { authorization: `Bearer ${TOKENS[role]}`, ...init.headers } })
  return {
    clock,
    gateway,
    resilience: upstreams.resilience,
    port,
    as,
    act: (body, role = 'operator') => as(role, '/v1/resilience/acts', { method: 'POST', body }),
  }
}

/** A folder that is gone after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

/** One event of a stream. */
export interface Told {
  readonly id: string | undefined
  readonly event: string
  readonly data: Record<string, unknown>
}

/** A stream of server-sent events that a test reads. */
export interface Listening {
  readonly status: number
  readonly told: readonly Told[]
  /** Resolves once there is an event that fits. */
  until(fits: (told: Told) => boolean): Promise<Told>
  close(): void
}

/** Opens the stream. */
export function listen(
  port: number,
  { token = TOKENS.viewer, lastEventId }: { token?: string; lastEventId?: string | undefined } = {},
): Promise<Listening> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  }
  const { promise, resolve, reject } = Promise.withResolvers<Listening>()
  const asked = request({ host: '127.0.0.1', port, path: '/v1/resilience/events', headers, agent: false }, (answer) => {
    const told: Told[] = []
    const waiting: { fits: (one: Told) => boolean; resolve: (one: Told) => void }[] = []
    let text = ''
    answer.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      const parts = text.split('\n\n')
      text = parts.pop() ?? ''
      for (const part of parts) {
        const one = readEvent(part)
        told.push(one)
        for (const wait of waiting) if (wait.fits(one)) wait.resolve(one)
      }
    })
    answer.on('error', () => undefined)
    onTestFinished(() => void asked.destroy())
    resolve({
      status: answer.statusCode ?? 0,
      told,
      until: (fits) => {
        const known = told.find(fits)
        return known === undefined
          ? new Promise((found) => waiting.push({ fits, resolve: found }))
          : Promise.resolve(known)
      },
      close: () => asked.destroy(),
    })
  })
  asked.on('error', reject)
  asked.end()
  return promise
}

function readEvent(text: string): Told {
  const field = (name: string): string | undefined =>
    text
      .split('\n')
      .find((line) => line.startsWith(`${name}: `))
      ?.slice(name.length + 2)
  return { id: field('id'), event: field('event') ?? '', data: JSON.parse(field('data') ?? '{}') }
}

/** A network error, as Node makes them. */
export function hangUp(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

/** Lets a service fail so often. */
export async function fail(resilience: Resilience, name: string, times: number): Promise<void> {
  for (let call = 0; call < times; call++) {
    await resilience
      .service(name)
      .execute(() => Promise.reject(hangUp()), { operation: 'getAccount' })
      .catch(() => undefined)
  }
}
