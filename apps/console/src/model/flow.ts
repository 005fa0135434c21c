/** The picture of the flow: how wide each ribbon is and where it runs. Figures only; the view draws them. */
import type { RouteSecond } from '../api.ts'

/** What came in over one route, a second. */
export interface RouteFlow {
  readonly route: string
  readonly service: string
  readonly answered: number
  readonly failed: number
  readonly refusedAtService: number
  readonly refusedAtGateway: number
}

/** A box of the picture. */
export interface FlowBox {
  readonly name: string
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A ribbon between two boxes, or one that ends before the second. */
export interface FlowRibbon {
  readonly key: string
  readonly kind: 'passes' | 'failed' | 'refused' | 'idle'
  readonly path: string
}

/** A barrier: where what is refused ends. */
export interface FlowBarrier {
  readonly key: string
  readonly x: number
  readonly y: number
  readonly height: number
}

/** The whole picture. */
export interface FlowPicture {
  readonly height: number
  /** Where the heads of the three columns begin, from the left. */
  readonly heads: readonly [routes: number, services: number, upstreams: number]
  readonly routes: readonly (FlowBox & { readonly flow: RouteFlow })[]
  readonly services: readonly (FlowBox & {
    readonly passes: number
    readonly failed: number
    readonly refused: number
  })[]
  readonly upstreams: readonly FlowBox[]
  readonly ribbons: readonly FlowRibbon[]
  readonly barriers: readonly FlowBarrier[]
}

/** The height of a lane, of one in a narrow picture, the gap between lanes, the room for the heads, between services, and the widest ribbon of a lane, in pixels. */
const LANE = 46
const NARROW_LANE = 62
const GAP = 10
const HEADS = 26
const APART = 30
const WIDEST = 34

/** How far before a service what is refused ends. */
const STOP_SHORT = 14

/** Rates by route over some seconds. */
export function routeFlows(seconds: readonly (readonly RouteSecond[])[]): readonly RouteFlow[] {
  const byRoute = new Map<string, RouteFlow>()
  const share = 1 / Math.max(1, seconds.length)
  for (const { route, service, ...counts } of seconds.flat()) {
    if (service === null) continue
    const key = `${route} ${service}`
    const known = byRoute.get(key)
    byRoute.set(key, {
      route,
      service,
      answered: (known?.answered ?? 0) + counts.answered * share,
      failed: (known?.failed ?? 0) + counts.failed * share,
      refusedAtService: (known?.refusedAtService ?? 0) + counts.refusedAtService * share,
      refusedAtGateway: (known?.refusedAtGateway ?? 0) + counts.refusedAtGateway * share,
    })
  }
  return [...byRoute.values()]
}

/**
 * Lays the picture out: a lane for each route, boxes whose places depend on the routes alone, so that nothing moves when
 * traffic does. Only the ribbons grow and shrink.
 *
 * @param names of the services, those without a route included
 * @param width of the whole picture in pixels
 */
export function layOut(flows: readonly RouteFlow[], names: readonly string[], width: number): FlowPicture {
  const columns = columnsOf(width)
  const { lane } = columns
  const scale = WIDEST / niceAbove(Math.max(0, ...flows.map(all)))
  const built: Building = { routes: [], services: [], upstreams: [], ribbons: [], barriers: [] }
  let top = HEADS
  for (const name of names) {
    const own = flows.filter(({ service }) => service === name)
    const height = Math.max(NARROW_LANE, own.length * (lane + GAP) - GAP)
    for (const [index, flow] of own.entries()) layLane(built, flow, top + index * (lane + GAP), columns, scale)
    layService(built, name, own, { top, height }, columns, scale)
    top += height + APART
  }
  const { serviceX, upstreamX } = columns
  return { height: Math.max(0, top - APART), heads: [0, serviceX, upstreamX], ...built }
}

type Building = {
  -readonly [Part in Exclude<keyof FlowPicture, 'height' | 'heads'>]: FlowPicture[Part][number][]
}

interface Columns {
  readonly lane: number
  readonly routeWidth: number
  readonly serviceX: number
  readonly serviceWidth: number
  readonly upstreamX: number
  readonly upstreamWidth: number
}

function columnsOf(width: number): Columns {
  const [lane, routeWidth, serviceWidth, upstreamWidth] =
    width < 640 ? [NARROW_LANE, 128, 108, 64] : [LANE, 230, 190, 150]
  const serviceX = Math.round((width - upstreamWidth - routeWidth - serviceWidth) / 2) + routeWidth
  return { lane, routeWidth, serviceX, serviceWidth, upstreamX: width - upstreamWidth, upstreamWidth }
}

/** One route: its box, and its ribbons to the service; what is refused ends before it. */
function layLane(
  built: Building,
  flow: RouteFlow,
  y: number,
  { lane, routeWidth, serviceX }: Columns,
  scale: number,
): void {
  const { route } = flow
  built.routes.push({ name: route, x: 0, y, width: routeWidth, height: lane, flow })
  const middle = y + lane / 2
  if (all(flow) === 0)
    built.ribbons.push({
      key: `${route} ${flow.service} idle`,
      kind: 'idle',
      path: ribbon(routeWidth, middle, serviceX, middle, 1),
    })
  let at = middle - (all(flow) * scale) / 2
  for (const [kind, amount, end] of [
    ['passes', flow.answered, serviceX],
    ['failed', flow.failed, serviceX],
    ['refused', flow.refusedAtService, serviceX - STOP_SHORT],
    ['refused', flow.refusedAtGateway, routeWidth + STOP_SHORT],
  ] as const) {
    if (amount === 0) continue
    const thick = Math.max(1, amount * scale)
    const key = `${route} ${flow.service} ${kind} ${end}`
    built.ribbons.push({ key, kind, path: ribbon(routeWidth, at, end, at, thick) })
    if (kind === 'refused') built.barriers.push({ key, x: end, y: at - 3, height: thick + 6 })
    at += thick
  }
}

/** One service: its box, and what reaches its upstream. */
function layService(
  built: Building,
  name: string,
  own: readonly RouteFlow[],
  { top: y, height }: { readonly top: number; readonly height: number },
  { serviceX, serviceWidth, upstreamX, upstreamWidth }: Columns,
  scale: number,
): void {
  const sum = (of: (flow: RouteFlow) => number): number => own.reduce((total, flow) => total + of(flow), 0)
  const passes = sum(({ answered }) => answered)
  const failed = sum((flow) => flow.failed)
  const refused = sum(({ refusedAtService }) => refusedAtService)
  built.services.push({ name, x: serviceX, y, width: serviceWidth, height, passes, failed, refused })
  built.upstreams.push({ name, x: upstreamX, y, width: upstreamWidth, height })
  const from = serviceX + serviceWidth
  const middle = y + height / 2
  if (passes + failed === 0)
    built.ribbons.push({ key: `${name} idle`, kind: 'idle', path: ribbon(from, middle, upstreamX, middle, 1) })
  let at = middle - ((passes + failed) * scale) / 2
  for (const [kind, amount] of [
    ['passes', passes],
    ['failed', failed],
  ] as const) {
    if (amount === 0) continue
    const thick = Math.max(1, amount * scale)
    built.ribbons.push({ key: `${name} ${kind}`, kind, path: ribbon(from, at, upstreamX, at, thick) })
    at += thick
  }
}

/** The next of 1, 2, 5, 10, 20, … that is not below: so the scale changes seldom. */
function niceAbove(value: number): number {
  let nice = 1
  for (let step = 0; nice < value; step++) nice *= step % 3 === 1 ? 2.5 : 2
  return nice
}

function into({ answered, failed, refusedAtService }: RouteFlow): number {
  return answered + failed + refusedAtService
}

function all(flow: RouteFlow): number {
  return into(flow) + flow.refusedAtGateway
}

/** A ribbon of even width. */
function ribbon(x1: number, y1: number, x2: number, y2: number, thick: number): string {
  return `M${x1} ${y1.toFixed(1)}L${x2} ${y2.toFixed(1)}v${thick.toFixed(1)}L${x1} ${(y1 + thick).toFixed(1)}z`
}
