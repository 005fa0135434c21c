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

/** The lowest box, the gap between boxes, and the widest that all ribbons of one side are together, in pixels. */
const LOWEST = 46
const GAP = 10
const WIDEST = 190

/** How far before a service what is refused ends. */
const STOP_SHORT = 14

/** Rates by route over some seconds. */
export function routeFlows(seconds: readonly (readonly RouteSecond[])[]): readonly RouteFlow[] {
  const byRoute = new Map<string, RouteFlow>()
  const share = 1 / Math.max(1, seconds.length)
  for (const { route, service, ...counts } of seconds.flat()) {
    if (service === null) continue
    const known = byRoute.get(route)
    byRoute.set(route, {
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
 * Lays the picture out.
 *
 * @param flows grouped by service in this order
 * @param names of the services, those without a route included
 * @param width of the whole picture in pixels
 */
export function layOut(flows: readonly RouteFlow[], names: readonly string[], width: number): FlowPicture {
  const narrow = width < 640
  const [routeWidth, serviceWidth, upstreamWidth] = narrow ? [128, 108, 64] : [230, 190, 150]
  const serviceX = Math.round((width - upstreamWidth - routeWidth - serviceWidth) / 2) + routeWidth
  const upstreamX = width - upstreamWidth
  const total = flows.reduce((sum, flow) => sum + all(flow), 0)
  const scale = total === 0 ? 0 : WIDEST / Math.max(total, 4)
  const routes: (FlowBox & { flow: RouteFlow })[] = []
  const services: FlowPicture['services'][number][] = []
  const upstreams: FlowBox[] = []
  const ribbons: FlowRibbon[] = []
  const barriers: FlowBarrier[] = []
  let y = 0
  for (const name of names) {
    const own = flows.filter(({ service }) => service === name)
    const heights = own.map((flow) => Math.max(LOWEST, all(flow) * scale + 12))
    const routesHeight = heights.reduce((sum, height) => sum + height + GAP, 0) - (own.length === 0 ? 0 : GAP)
    const inward = own.reduce((sum, flow) => sum + into(flow), 0) * scale
    const serviceHeight = Math.max(LOWEST + 16, inward + 12)
    const block = Math.max(routesHeight, serviceHeight)
    const top = y + (block - serviceHeight) / 2
    const passes = own.reduce((sum, flow) => sum + flow.answered, 0)
    const failed = own.reduce((sum, flow) => sum + flow.failed, 0)
    const refused = own.reduce((sum, flow) => sum + flow.refusedAtService, 0)
    const box = { name, x: serviceX, y: top, width: serviceWidth, height: serviceHeight }
    services.push({ ...box, passes, failed, refused })
    let routeY = y + (block - routesHeight) / 2
    let entry = top + (serviceHeight - inward) / 2
    own.forEach((flow, index) => {
      const height = heights[index] ?? LOWEST
      routes.push({ name: flow.route, x: 0, y: routeY, width: routeWidth, height, flow })
      let exit = routeY + (height - all(flow) * scale) / 2
      const parts = [
        ['passes', flow.answered],
        ['failed', flow.failed],
        ['refused', flow.refusedAtService],
      ] as const
      if (all(flow) === 0) {
        const middle = top + serviceHeight / 2
        ribbons.push({
          key: `${flow.route} idle`,
          kind: 'idle',
          path: ribbon(routeWidth, routeY + height / 2, serviceX, middle, 1),
        })
      }
      for (const [kind, amount] of parts) {
        const thick = amount * scale
        if (thick === 0) continue
        const end = kind === 'refused' ? serviceX - STOP_SHORT : serviceX
        ribbons.push({
          key: `${flow.route} ${kind}`,
          kind,
          path: ribbon(routeWidth, exit, end, entry, Math.max(1, thick)),
        })
        if (kind === 'refused') barriers.push({ key: flow.route, x: end, y: entry - 3, height: Math.max(1, thick) + 6 })
        exit += thick
        entry += thick
      }
      if (flow.refusedAtGateway > 0) {
        const thick = Math.max(1, flow.refusedAtGateway * scale)
        ribbons.push({
          key: `${flow.route} gateway`,
          kind: 'refused',
          path: ribbon(routeWidth, exit, routeWidth + 18, exit, thick),
        })
        barriers.push({ key: `${flow.route} gateway`, x: routeWidth + 18, y: exit - 3, height: thick + 6 })
      }
      routeY += height + GAP
    })
    const out = (passes + failed) * scale
    const high = Math.max(LOWEST, out + 12)
    upstreams.push({ name, x: upstreamX, y: y + (block - high) / 2, width: upstreamWidth, height: high })
    let leave = top + serviceHeight / 2 - out / 2
    let arrive = y + block / 2 - out / 2
    if (out === 0) {
      const middle = y + block / 2
      ribbons.push({
        key: `${name} idle`,
        kind: 'idle',
        path: ribbon(serviceX + serviceWidth, middle, upstreamX, middle, 1),
      })
    }
    for (const [kind, amount] of [
      ['passes', passes],
      ['failed', failed],
    ] as const) {
      const thick = amount * scale
      if (thick === 0) continue
      ribbons.push({
        key: `${name} ${kind}`,
        kind,
        path: ribbon(serviceX + serviceWidth, leave, upstreamX, arrive, Math.max(1, thick)),
      })
      leave += thick
      arrive += thick
    }
    y += block + GAP * 3
  }
  return { height: Math.max(0, y - GAP * 3), routes, services, upstreams, ribbons, barriers }
}

function into({ answered, failed, refusedAtService }: RouteFlow): number {
  return answered + failed + refusedAtService
}

function all(flow: RouteFlow): number {
  return into(flow) + flow.refusedAtGateway
}

/** A ribbon of even width from one edge to another. */
function ribbon(x1: number, y1: number, x2: number, y2: number, thick: number): string {
  const [a, b, c, d] = [y1, y2, y1 + thick, y2 + thick].map((value) => value.toFixed(1))
  const middle = ((x1 + x2) / 2).toFixed(1)
  return `M${x1} ${a}C${middle} ${a} ${middle} ${b} ${x2} ${b}L${x2} ${d}C${middle} ${d} ${middle} ${c} ${x1} ${c}Z`
}
