/** The platform in five figures. */
import { useComputed } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import type { Incident, IncidentsView } from '../../api.ts'
import { count, duration, moment, percent, rate } from '../../model/format.ts'
import { happenings, loads, orders, services } from '../../state/board.ts'
import { ask } from '../../state/http.ts'
import { useLoaded } from '../../state/loading.ts'
import { now } from '../../state/time.ts'

const DAY_MS = 86_400_000

export function Summary() {
  return (
    <section class="summary" aria-label="The platform">
      <Traffic />
      <InDoubt />
      <Saved />
    </section>
  )
}

function Traffic() {
  const list = services.value ?? []
  const sums = useComputed(() => {
    const rates = (services.value ?? []).map(({ name, rates: own }) => ({ name, ...own.value }))
    const total = (of: (one: (typeof rates)[number]) => number): number => rates.reduce((sum, one) => sum + of(one), 0)
    const calls = total((one) => one.calls)
    const answered = total((one) => one.calls * (one.success ?? 0))
    const worst = [...rates].sort((a, b) => lost(b) - lost(a))[0]
    const others = calls - (worst?.calls ?? 0)
    return {
      calls,
      share: calls === 0 ? undefined : answered / calls,
      worst: worst !== undefined && lost(worst) > 0 ? worst.name : undefined,
      without:
        others === 0 || worst === undefined ? undefined : (answered - worst.calls * (worst.success ?? 0)) / others,
      refused: total((one) => one.refused),
      circuit: total((one) => one.byCause.circuit),
      limit: total((one) => one.byCause.limit),
      slots: total((one) => one.byCause.slots),
    }
  }).value
  const failing = useComputed(
    () =>
      (services.value ?? []).filter(({ status }) => status.value.state === 'OPEN' || status.value.state === 'HALF_OPEN')
        .length,
  ).value
  const { calls, share, worst, without, refused, circuit, limit, slots } = sums
  const causes = [
    [circuit, 'circuit open'],
    [limit, 'rate limit'],
    [slots, 'no slot'],
  ] as const
  const told = causes.filter(([amount]) => amount > 0).map(([amount, words]) => `${rate(amount)} ${words}`)
  return (
    <>
      <Figure label="Calls" value={rate(calls)} unit="/s">
        {list.length} {list.length === 1 ? 'service' : 'services'},{' '}
        {failing === 0 ? 'none failing' : <em class="bad">{failing} failing</em>}
      </Figure>
      <Figure label="Answered" value={share === undefined ? '–' : percent(share)} unit={share === undefined ? '' : '%'}>
        {worst === undefined || without === undefined ? 'of the last 10 s' : `without ${worst}: ${percent(without)} %`}
      </Figure>
      <Figure label="Refused by us" value={rate(refused)} unit="/s">
        {told.length === 0 ? 'nothing is turned away' : told.join(' · ')}
      </Figure>
    </>
  )
}

function lost({ calls, success }: { readonly calls: number; readonly success: number | undefined }): number {
  return calls * (1 - (success ?? 1))
}

function InDoubt() {
  const doubt = orders.value?.inDoubt
  if (doubt === null || doubt === undefined) {
    return (
      <Figure label="New orders" value={orders.value?.stopped === true ? 'Stopped' : 'Taken'} unit="">
        {orders.value?.stopped === true
          ? `by ${orders.value.who ?? 'a program'}; cancels go through`
          : 'the kill switch is off'}
      </Figure>
    )
  }
  const { count: number, oldestSince } = doubt
  return (
    <Figure label="Orders in doubt" value={count(number)} unit="">
      {oldestSince === null ? (
        'the fate of all is known'
      ) : (
        <em class="bad">oldest {duration(now.value - oldestSince)}, asking the broker</em>
      )}
    </Figure>
  )
}

/** What open circuits have spared the callers in a day. */
function Saved() {
  // Whatever happens to a circuit is a reason to look again.
  const newest = happenings.value[0]?.id
  const loaded = useLoaded(() => ask<IncidentsView>('/v1/resilience/incidents?limit=200'), [loads.value, newest])
  const incidents = loaded.value.value?.incidents ?? []
  const recent = incidents.filter(({ openedAt, closedAt }) => (closedAt ?? openedAt) > now.peek() - DAY_MS)
  const saved = recent.reduce((sum, { refused }) => sum + refused.circuit, 0)
  const spared = recent.reduce((sum, { refused, waitLimitMs }) => sum + refused.circuit * (waitLimitMs ?? 0), 0)
  const first = recent.at(-1)
  return (
    <Figure label="Calls saved from waiting" value={loaded.value.value === undefined ? '–' : count(saved)} unit="">
      {first === undefined ? 'no circuit was open in a day' : savedText(spared, first)}
    </Figure>
  )
}

function savedText(spared: number, { openedAt }: Incident): string {
  return `up to ${duration(spared)} of waiting since ${moment(openedAt, now.peek(), false)}`
}

function Figure(props: {
  readonly label: string
  readonly value: string
  readonly unit: string
  readonly children: ComponentChildren
}) {
  return (
    <div class="figure">
      <div class="figure-label">{props.label}</div>
      <div class="figure-value">
        {props.value}
        {props.unit !== '' && <small> {props.unit}</small>}
      </div>
      <div class="figure-note">{props.children}</div>
    </div>
  )
}
