/** All that the page knows of the services: what the stream told, and the five minutes before. */
import { batch, type ReadonlySignal, type Signal, signal } from '@preact/signals'
import type {
  AuditEntry,
  BoardFrame,
  Happening,
  HistoryView,
  OrdersStatus,
  RouteSecond,
  SecondFrame,
  ServiceSecond,
  ServiceStatus,
} from '../api.ts'
import { NOW_SECONDS, type Rates, WINDOW_SECONDS, Window } from '../model/window.ts'
import { ask } from './http.ts'
import { gatewayTime, setGatewayTime } from './time.ts'

/** How many happenings are kept for the board. */
const KEPT_HAPPENINGS = 50

/** One service, live. */
export interface LiveService {
  readonly name: string
  readonly status: Signal<ServiceStatus>
  readonly rates: Signal<Rates>
  readonly window: Window
  /** Grows with every second that the window learns. */
  readonly seconds: Signal<number>
  /** What was told of the last second. */
  readonly last: Signal<ServiceSecond | undefined>
}

const byName = new Map<string, LiveService>()

/** The services; undefined until the gateway has told of them. */
export const services: Signal<readonly LiveService[] | undefined> = signal(undefined)

/** Whether new orders are stopped, and how many are in doubt. */
export const orders: Signal<OrdersStatus | undefined> = signal(undefined)

/** What happened, the newest first. */
export const happenings: Signal<readonly Happening[]> = signal([])

/** What came in over the routes in the last seconds, the newest last. */
export const routeSeconds: Signal<readonly (readonly RouteSecond[])[]> = signal([])

/** The last entry of the audit that the stream told of: a reason to look again. */
export const lastAudit: Signal<AuditEntry | undefined> = signal(undefined)

/** Grows whenever all that came before should be loaded again. */
export const loads: Signal<number> = signal(0)

/** The service of that name. */
export function serviceNamed(name: string): LiveService | undefined {
  return byName.get(name)
}

/** Takes a frame of the stream. */
export function takeBoard({ at, services: changed, orders: told }: BoardFrame): void {
  batch(() => {
    setGatewayTime(at)
    orders.value = told
    let grew = false
    for (const status of changed) {
      const known = byName.get(status.name)
      if (known !== undefined) known.status.value = status
      else {
        byName.set(status.name, liveService(status))
        grew = true
      }
    }
    if (grew || services.value === undefined) services.value = [...byName.values()]
  })
}

/** Takes a second of the stream. */
export function takeSecond({ at, services: seconds, routes }: SecondFrame): void {
  batch(() => {
    for (const second of seconds) {
      const known = byName.get(second.service)
      if (known === undefined) continue
      known.window.add(at, second)
      known.last.value = second
      known.seconds.value++
      known.rates.value = known.window.rates()
    }
    routeSeconds.value = [...routeSeconds.value.slice(1 - NOW_SECONDS), routes]
  })
}

/** Takes what happened. */
export function takeHappening(happening: Happening): void {
  if (happenings.value.some(({ id }) => id === happening.id)) return
  happenings.value = [happening, ...happenings.value].slice(0, KEPT_HAPPENINGS)
}

/** Takes a new entry of the audit. */
export function takeAudit(entry: AuditEntry): void {
  lastAudit.value = entry
}

/** Loads the five minutes before, and what happened in the last day. */
export async function loadPast(): Promise<void> {
  const to = gatewayTime()
  const [near, far] = await Promise.all([
    ask<HistoryView>(historyPath({ from: to - WINDOW_SECONDS * 1_000, to, step: 1_000 })),
    ask<HistoryView>(historyPath({ from: to - 86_400_000, to, step: 3_600_000 })),
  ])
  batch(() => {
    for (const [name, series] of Object.entries(near.services)) {
      const known = byName.get(name)
      if (known === undefined) continue
      known.window.fill(series)
      known.seconds.value++
      known.rates.value = known.window.rates()
    }
    happenings.value = [...far.happenings].reverse().slice(0, KEPT_HAPPENINGS)
    loads.value++
  })
}

/** The address of a part of the history. */
export function historyPath(query: { from: number; to: number; step?: number; service?: string }): string {
  const { from, to, ...others } = query
  const whole = { from: Math.floor(from), to: Math.ceil(to), ...others }
  const pairs = Object.entries(whole).map(([key, value]) => [key, String(value)])
  return `/v1/resilience/history?${new URLSearchParams(pairs)}`
}

function liveService(status: ServiceStatus): LiveService {
  const window = new Window()
  return {
    name: status.name,
    status: signal(status),
    rates: signal(window.rates()),
    window,
    seconds: signal(0),
    last: signal(undefined),
  }
}

/** The names of the services, for choices. */
export function serviceNames(list: ReadonlySignal<readonly LiveService[] | undefined>): readonly string[] {
  return list.value?.map(({ name }) => name) ?? []
}
