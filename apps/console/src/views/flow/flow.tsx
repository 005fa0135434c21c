/** The flow: what comes in over which route, which service it goes to, where it is refused, and what reaches the upstream. */
import { useRef } from 'preact/hooks'
import type { RehearsalView } from '../../api.ts'
import { type FlowBox, type FlowPicture, layOut, type RouteFlow, routeFlows } from '../../model/flow.ts'
import { rate } from '../../model/format.ts'
import { Blank, Skeleton } from '../../parts/panel.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import { useWidth } from '../../parts/use-width.ts'
import { routeSeconds, serviceNamed, services } from '../../state/board.ts'
import { ask } from '../../state/http.ts'
import { useLoaded } from '../../state/loading.ts'
import { servicePath } from '../../state/router.ts'

export function Flow() {
  const list = services.value
  return (
    <>
      <div class="page-head">
        <h1>Flow</h1>
        <p class="soft">
          The last 10 s. The width is traffic; what is refused ends where it is refused, and goes no further.
        </p>
      </div>
      {list === undefined || routeSeconds.value.length === 0 ? (
        <Skeleton label="loading" lines={[100, 100, 100]} />
      ) : list.length === 0 ? (
        <Blank title="Nothing flows yet">Routes appear as soon as the gateway has a service.</Blank>
      ) : (
        <Picture names={list.map(({ name }) => name)} />
      )}
    </>
  )
}

function Picture({ names }: { readonly names: readonly string[] }) {
  const place = useRef<HTMLDivElement>(null)
  const width = useWidth(place).value
  const rehearsal = useLoaded(() => ask<RehearsalView>('/v1/resilience/rehearsal'), []).value.value
  const flows = routeFlows(routeSeconds.value)
  const picture = width === 0 ? undefined : layOut(flows, names, width)
  return (
    <section class="card flow-card" aria-label="Routes, services and upstreams">
      <div class="flow" ref={place} style={{ height: `${picture?.height ?? 200}px` }}>
        {picture !== undefined && <Drawing picture={picture} width={width} standIns={rehearsal?.allowed ?? false} />}
      </div>
      <ul class="flow-legend">
        <li>
          <i class="swatch swatch-ok-bar" /> answered
        </li>
        <li>
          <i class="swatch swatch-failed" /> failed at the upstream
        </li>
        <li>
          <i class="swatch swatch-bad-bar" /> refused, where the bar is
        </li>
      </ul>
    </section>
  )
}

function Drawing({
  picture,
  width,
  standIns,
}: {
  readonly picture: FlowPicture
  readonly width: number
  readonly standIns: boolean
}) {
  return (
    <>
      <svg class="flow-ribbons" width={width} height={picture.height} aria-hidden="true">
        {picture.ribbons.map(({ key, kind, path }) => (
          <path key={key} class={`ribbon ribbon-${kind}`} d={path} />
        ))}
        {picture.barriers.map(({ key, x, y, height }) => (
          <rect key={key} class="barrier" x={x} y={y} width="4" height={height} rx="2" />
        ))}
      </svg>
      {(['Routes', 'Services', 'Upstreams'] as const).map((name, index) => (
        <span key={name} class="flow-head" style={{ left: `${picture.heads[index]}px` }}>
          {name}
        </span>
      ))}
      {picture.routes.map((box) => (
        <Box key={`${box.name} ${box.flow.service}`} box={box} kind="route">
          <RouteText flow={box.flow} />
        </Box>
      ))}
      {picture.services.map((box) => (
        <Box
          key={box.name}
          box={box}
          kind={`service state-edge-${serviceNamed(box.name)?.status.value.state ?? 'CLOSED'}`}
        >
          <ServiceText {...box} />
        </Box>
      ))}
      {picture.upstreams.map((box, index) => (
        <Box key={box.name} box={box} kind="upstream">
          <b>{box.name}</b>
          <span class="soft">
            {standIns ? 'stand-in, ' : ''}
            {rate((picture.services[index]?.passes ?? 0) + (picture.services[index]?.failed ?? 0))} /s
          </span>
        </Box>
      ))}
    </>
  )
}

function Box({
  box,
  kind,
  children,
}: {
  readonly box: FlowBox
  readonly kind: string
  readonly children: preact.ComponentChildren
}) {
  const { x, y, width, height } = box
  return (
    <div
      class={`flow-box flow-${kind}`}
      style={{ left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` }}
    >
      {children}
    </div>
  )
}

function RouteText({ flow }: { readonly flow: RouteFlow }) {
  const { route, answered, failed, refusedAtService, refusedAtGateway } = flow
  const [method = '', path = ''] = route.split(' ')
  return (
    <>
      <span class="flow-path">
        <span class="method">{method}</span> {path}
      </span>
      <span class="soft">
        {rate(answered + failed + refusedAtService + refusedAtGateway)} /s
        {refusedAtGateway > 0 && <em class="bad"> {rate(refusedAtGateway)} refused here</em>}
      </span>
    </>
  )
}

function ServiceText({ name }: FlowPicture['services'][number]) {
  // Whoever called it: also what another source has answered instead was refused here first.
  const refused = serviceNamed(name)?.rates.value.refused ?? 0
  const state = serviceNamed(name)?.status.value.state ?? 'CLOSED'
  return (
    <>
      <span class="flow-name">
        <a href={servicePath(name)}>{name}</a> <StateBadge state={state} />
      </span>
      <span class={refused > 0 ? 'bad' : 'soft'}>
        {refused > 0 ? `${rate(refused)} /s refused here` : 'refuses nothing'}
      </span>
    </>
  )
}
