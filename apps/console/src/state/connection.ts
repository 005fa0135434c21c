/** The stream from the gateway: how fresh what is shown is, and coming back after it was lost. */
import { type Signal, signal } from '@preact/signals'
import { systemClock } from 'holdfast'
import { readEvents, type ServerEvent } from '../live/sse-reader.ts'
import { loadPast, takeAudit, takeBoard, takeHappening, takeSecond } from './board.ts'
import { forgetSession } from './session.ts'
import { every } from './time.ts'

/** Told nothing for so long, the page says that it is stale, in milliseconds. The gateway tells something every second. */
const STALE_MS = 1_700

/** How long it waits before it tries again, in milliseconds. */
const AGAIN_MS = 800

/** How the page is connected. */
export type Connection =
  | { readonly is: 'connecting' }
  | { readonly is: 'live' }
  /** What is shown is old. `why` says what is known. */
  | { readonly is: 'stale'; readonly why: string }

/** Whether what is shown is true now. */
export const connection: Signal<Connection> = signal({ is: 'connecting' })

/** How old what is shown is, in milliseconds, told four times a second. */
export const ageMs: Signal<number> = signal(0)

let heardAt = 0
let lastId: string | undefined
let stop: AbortController | undefined

/** Connects, and stays so until it is disconnected. */
export function connect(): void {
  disconnect()
  const controller = new AbortController()
  stop = controller
  heardAt = systemClock.now()
  const endWatch = every(250, watch)
  controller.signal.addEventListener('abort', endWatch)
  void keepReading(controller.signal)
}

/** Ends the stream. */
export function disconnect(): void {
  stop?.abort()
  stop = undefined
  lastId = undefined
  connection.value = { is: 'connecting' }
}

function watch(): void {
  ageMs.value = systemClock.now() - heardAt
  if (ageMs.value > STALE_MS && connection.value.is === 'live') {
    connection.value = { is: 'stale', why: 'The gateway is silent.' }
    // A connection that has died without a word would be waited for in vain.
    attempt?.abort()
  }
}

let attempt: AbortController | undefined

async function keepReading(signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    attempt = new AbortController()
    const ended = AbortSignal.any([signal, attempt.signal])
    const why = await readOnce(ended).catch(() => 'The gateway cannot be reached.')
    if (signal.aborted) return
    connection.value = { is: 'stale', why }
    await pause(AGAIN_MS, signal)
  }
}

/** @returns why it ended */
async function readOnce(signal: AbortSignal): Promise<string> {
  const headers: Record<string, string> = lastId === undefined ? {} : { 'last-event-id': lastId }
  // A gateway that takes the connection and says nothing is tried again.
  const patience = systemClock.setTimer(() => attempt?.abort(), 5_000)
  const answer = await fetch('/v1/resilience/events', { headers, signal, credentials: 'same-origin' }).finally(() =>
    patience.cancel(),
  )
  if (answer.status === 401 || answer.status === 403) {
    forgetSession()
    return 'The session is over.'
  }
  if (answer.status === 503) return 'Too many pages are open, or the gateway is stopping.'
  if (!answer.ok || answer.body === null) return `The gateway answers ${answer.status}.`
  if (lastId === undefined) void loadAll()
  await readEvents(answer.body, take)
  return 'The gateway has ended the connection.'
}

function take({ id, name, data }: ServerEvent): void {
  heardAt = systemClock.now()
  if (id !== undefined) lastId = id
  if (name === 'gap') void loadAll()
  else if (name === 'board') takeBoard(JSON.parse(data))
  else if (name === 'second') takeSecond(JSON.parse(data))
  else if (name === 'happening') takeHappening(JSON.parse(data))
  else if (name === 'audit') takeAudit(JSON.parse(data))
  if (connection.value.is !== 'live') connection.value = { is: 'live' }
}

async function loadAll(): Promise<void> {
  // The board comes first: the history is filled into the services that it names.
  await pause(50)
  await loadPast().catch(() => {
    connection.value = { is: 'stale', why: 'The history could not be loaded.' }
    attempt?.abort()
    lastId = undefined
  })
}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = systemClock.setTimer(resolve, ms)
    signal?.addEventListener('abort', () => {
      timer.cancel()
      resolve()
    })
  })
}
