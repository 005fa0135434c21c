/** One service: over time, its configuration, what happened to it and why, and what can be done. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useMemo, useRef } from 'preact/hooks'
import type { HistoryView, ServiceView } from '../../api.ts'
import { type ChartData, Timeline } from '../../model/chart-data.ts'
import { duration, moment, rate, wholeMark } from '../../model/format.ts'
import { latencyText, sentenceOf } from '../../model/sentence.ts'
import { ActButtons } from '../../parts/act-buttons.tsx'
import { Blank, Failed, Skeleton } from '../../parts/panel.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import {
  happenings,
  historyPath,
  type LiveService,
  lastAudit,
  loads,
  serviceNamed,
  services,
} from '../../state/board.ts'
import { ask } from '../../state/http.ts'
import { useLoaded } from '../../state/loading.ts'
import { pathOf } from '../../state/router.ts'
import { gatewayTime, now } from '../../state/time.ts'
import { Figures, Meters } from '../board/tile.tsx'
import { Chart, type Line } from './chart.tsx'
import { Configuration } from './configuration.tsx'
import { EventTimeline } from './event-timeline.tsx'

const MINUTE_MS = 60_000

const RANGES: readonly (readonly [label: string, ms: number])[] = [
  ['5 min', 5 * MINUTE_MS],
  ['15 min', 15 * MINUTE_MS],
  ['1 h', 60 * MINUTE_MS],
  ['24 h', 1_440 * MINUTE_MS],
  ['30 d', 43_200 * MINUTE_MS],
]

export interface ServicePageProps {
  readonly name: string
  /** A range of the past; null for the last minutes, live. */
  readonly from: number | null
  readonly to: number | null
}

export function ServicePage({ name, from, to }: ServicePageProps) {
  const live = serviceNamed(name)
  if (services.value === undefined) return <Skeleton label="loading" lines={[30, 100, 100, 60]} />
  if (live === undefined) {
    return (
      <Blank first title={`There is no service “${name.slice(0, 60)}”`}>
        <a href={pathOf('board')}>The board</a> has all that there are.
      </Blank>
    )
  }
  return <Known key={name} live={live} past={from === null || to === null || to <= from ? undefined : { from, to }} />
}

function Known({
  live,
  past,
}: {
  readonly live: LiveService
  readonly past: { from: number; to: number } | undefined
}) {
  const length = useSignal(15 * MINUTE_MS)
  const range = useSignal(past)
  useEffect(() => {
    range.value = past
  }, [past?.from, past?.to])
  return (
    <div class="service">
      <Head live={live} />
      <div class="service-main">
        <Ranges length={length} range={range} />
        <Past live={live} length={length.value} range={range.value} />
      </div>
    </div>
  )
}

function Head({ live }: { readonly live: LiveService }) {
  const status = live.status.value
  const { strong, soft } = sentenceOf(status, live.rates.value, now.value)
  return (
    <header class={`service-head card state-edge-${status.state}`}>
      <div class="service-title">
        <h1>{live.name}</h1>
        <span class="profile">{status.profile.toLowerCase().replaceAll('_', ' ')}</span>
        <StateBadge state={status.state} />
      </div>
      <p class="why">
        {strong !== '' && <b>{strong}</b>} {soft}
      </p>
      <ActButtons status={status} />
      <div class="service-now">
        <Figures live={live} />
        <Meters live={live} />
      </div>
    </header>
  )
}

function Ranges({
  length,
  range,
}: {
  readonly length: Signal<number>
  readonly range: Signal<{ from: number; to: number } | undefined>
}) {
  return (
    <fieldset class="ranges">
      <legend class="unseen">Range of time</legend>
      {range.value !== undefined && (
        <label class="range">
          <input type="radio" name="range" checked />
          <span>
            {moment(range.value.from, now.peek(), false)}, {duration(range.value.to - range.value.from)}
          </span>
        </label>
      )}
      {RANGES.map(([label, ms]) => (
        <label key={ms} class="range">
          <input
            type="radio"
            name="range"
            checked={range.value === undefined && length.value === ms}
            onChange={() => {
              range.value = undefined
              length.value = ms
            }}
          />
          <span>{label}</span>
        </label>
      ))}
    </fieldset>
  )
}

function Past(props: {
  readonly live: LiveService
  readonly length: number
  readonly range: { from: number; to: number } | undefined
}) {
  const { live, length, range } = props
  const { name } = live
  const history = useLoaded(() => {
    const to = range?.to ?? gatewayTime()
    return ask<HistoryView>(historyPath({ service: name, from: range?.from ?? to - length, to }))
  }, [name, length, range?.from, range?.to, loads.value])
  const newest = happenings.value[0]?.id
  const view = useLoaded(
    () => ask<ServiceView>(`/v1/resilience/services/${encodeURIComponent(name)}`),
    [name, loads.value, newest, lastAudit.value?.id],
  )
  const loaded = history.value.value
  return (
    <>
      {loaded === undefined && history.error.value !== undefined ? (
        <Failed error={history.error.value} again={history.again} />
      ) : loaded === undefined ? (
        <div class="charts">
          <Skeleton label="loading the history" lines={[30, 100, 100, 100, 30, 100, 100]} />
        </div>
      ) : (
        <Charts live={live} history={loaded} length={range === undefined ? length : undefined} />
      )}
      <div class="service-side">
        {loaded !== undefined && <EventTimeline live={live} history={loaded} isLive={range === undefined} />}
        {view.value.value !== undefined && <Configuration view={view.value.value} />}
        {view.value.value === undefined && view.error.value !== undefined && (
          <Failed error={view.error.value} again={view.again} />
        )}
      </div>
    </>
  )
}

const perSecond = (value: number): string => rate(value)
const whole = (value: number): string => String(Math.round(value))

const TRAFFIC: readonly Line[] = [
  { label: 'answered', values: (data) => data.succeeded, text: perSecond, colour: 'ok-bar' },
  { label: 'failed', values: (data) => data.failed, text: perSecond, colour: 'failed' },
  { label: 'refused', values: (data) => data.refused, text: perSecond, colour: 'bad-bar' },
]
const LATENCY: readonly Line[] = [
  { label: 'p50', values: (data) => data.p50, text: latencyText, colour: 'accent' },
  { label: 'p99', values: (data) => data.p99, text: latencyText, colour: 'warn' },
]
const USE: readonly Line[] = [
  { label: 'slots in use', values: (data) => data.active, text: whole, colour: 'accent' },
  { label: 'waiting', values: (data) => data.queued, text: whole, colour: 'warn' },
  { label: 'tokens left', values: (data) => data.tokens, text: whole, colour: 'ok' },
]

/** @param length what is shown up to now, in milliseconds; undefined for a range of the past */
function Charts({
  live,
  history,
  length,
}: {
  readonly live: LiveService
  readonly history: HistoryView
  readonly length: number | undefined
}) {
  const pointed = useSignal<number | null>(null)
  const { stepMs, from, to } = history
  const timeline = useMemo(() => new Timeline(history.services[live.name], stepMs), [history])
  const cut = (): ChartData => {
    const end = length === undefined ? to : Math.max(to, live.window.newest + 1_000)
    return timeline.between(length === undefined ? from : end - length, end)
  }
  const data = useSignal(cut())
  const shownOf = useRef(timeline)
  if (shownOf.current !== timeline) {
    shownOf.current = timeline
    data.value = cut()
  }
  useSignalEffect(() => {
    const second = live.last.value
    void live.seconds.value
    if (second === undefined || length === undefined) return
    timeline.add(live.window.newest, second)
    // Under the pointer nothing moves.
    if (pointed.peek() === null) data.value = cut()
  })
  return (
    <div class="charts">
      <Chart
        title="Calls"
        unit="per second"
        kind="bars"
        lines={TRAFFIC}
        data={data.value}
        pointed={pointed}
        axisText={rate}
      />
      <Chart
        title="Latency"
        unit="of attempts, in the last minute"
        kind="band"
        lines={LATENCY}
        data={data.value}
        pointed={pointed}
        axisText={latencyText}
      />
      <Chart
        title="In use"
        unit="slots, queue, tokens"
        kind="lines"
        lines={USE}
        data={data.value}
        pointed={pointed}
        axisText={wholeMark}
      />
    </div>
  )
}
