/** One service on the board: state, figures, what is going on, and what is left. */
import { useComputed } from '@preact/signals'
import type { ServiceStatus } from '../../api.ts'
import { latency, percent, rate } from '../../model/format.ts'
import { sentenceOf } from '../../model/sentence.ts'
import { type Rates, WINDOW_SECONDS } from '../../model/window.ts'
import { Meter } from '../../parts/meter.tsx'
import { Spark } from '../../parts/spark.tsx'
import { StateBadge } from '../../parts/state-badge.tsx'
import type { LiveService } from '../../state/board.ts'
import { servicePath } from '../../state/router.ts'
import { now } from '../../state/time.ts'

/** How many bars the five minutes have. */
const BARS = 60

/** @param dense only what is needed to see that it is well */
export function Tile({ live, dense }: { readonly live: LiveService; readonly dense: boolean }) {
  const state = useComputed(() => live.status.value.state)
  const small = dense && state.value === 'CLOSED'
  return (
    <article
      class={`tile tile-${state.value}${small ? ' tile-small' : ''}`}
      data-service={live.name}
      aria-label={live.name}
    >
      <header class="tile-head">
        <h3>
          <a href={servicePath(live.name)}>{live.name}</a>
        </h3>
        <span class="profile">{profileWord(live.status.peek().profile)}</span>
        <StateBadge state={state.value} />
      </header>
      <LiveSpark live={live} coarse={small} />
      <Figures live={live} />
      {!small && <Why live={live} />}
      {!small && <Meters live={live} />}
    </article>
  )
}

/** @param coarse whether it is drawn anew only when a bar is full, and not every second */
function LiveSpark({ live, coarse }: { readonly live: LiveService; readonly coarse: boolean }) {
  const step = coarse ? WINDOW_SECONDS / BARS : 1
  // The window is no signal; that it has learnt of another second is.
  void useComputed(() => Math.floor(live.seconds.value / step)).value
  const { calls, refused } = live.rates.peek()
  return (
    <Spark
      bars={live.window.bars(BARS)}
      label={`five minutes; now ${rate(calls)} calls a second, ${rate(refused)} refused`}
    />
  )
}

/** What it answers, how fast, and what is refused. */
export function Figures({ live }: { readonly live: LiveService }) {
  const { success, refused, calls } = live.rates.value
  const p50 = useComputed(() => live.status.value.latency?.p50Ms).value
  const p99 = useComputed(() => live.status.value.latency?.p99Ms).value
  return (
    <dl class="figures">
      <div>
        <dt>answered</dt>
        <dd>
          {success === undefined ? '–' : percent(success)}
          {success !== undefined && <small> %</small>}
        </dd>
      </div>
      <Time label="p50" ms={p50} />
      <Time label="p99" ms={p99} />
      <div>
        <dt>refused /s</dt>
        <dd class={refused > 0 ? 'bad' : ''}>
          {rate(refused)}
          <small> of {rate(calls)}</small>
        </dd>
      </div>
    </dl>
  )
}

function Time({ label, ms }: { readonly label: string; readonly ms: number | undefined }) {
  const [figure, unit] = ms === undefined ? ['–', ''] : latency(ms)
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {figure}
        {unit !== '' && <small> {unit}</small>}
      </dd>
    </div>
  )
}

function Why({ live }: { readonly live: LiveService }) {
  const { strong, soft } = sentenceOf(live.status.value, live.rates.value, now.value)
  return (
    <p class="why">
      {strong !== '' && <b>{strong}</b>} {soft}
    </p>
  )
}

/** What is left of its limit, its slots and its retries. */
export function Meters({ live }: { readonly live: LiveService }) {
  const { limit, slots } = live.status.value
  return (
    <div class="meters">
      <LimitMeter limit={limit} />
      <SlotMeter slots={slots} />
      <RetryMeter rates={live.rates.value} budget={live.status.value.retryBudget} />
    </div>
  )
}

function LimitMeter({ limit }: { readonly limit: ServiceStatus['limit'] }) {
  if (limit?.remaining === null || limit?.burstSize === null || limit === null)
    return <Meter label="limit" share={0} text="none" hot={false} />
  const used = 1 - limit.remaining / limit.burstSize
  return (
    <Meter label="limit" share={used} text={`${limit.remaining} of ${rate(limit.burstSize)} left`} hot={used > 0.9} />
  )
}

function SlotMeter({ slots }: { readonly slots: ServiceStatus['slots'] }) {
  if (slots === null) return <Meter label="slots" share={0} text="no bound" hot={false} />
  const { active, max, queued } = slots
  const text = queued > 0 ? `${active} of ${max}, ${queued} wait` : `${active} of ${max} used`
  return <Meter label="slots" share={active / max} text={text} hot={active >= max} />
}

function RetryMeter({ rates, budget }: { readonly rates: Rates; readonly budget: ServiceStatus['retryBudget'] }) {
  const share = rates.retryShare ?? 0
  if (budget === null)
    return <Meter label="retries" share={share} text={`${percent(share)} % of calls`} hot={share > 0.2} />
  const { tokens, capacity } = budget
  const text = `${percent(share)} %, ${rate(tokens)} of ${rate(capacity)} left`
  return <Meter label="retries" share={share} text={text} hot={tokens < 1} />
}

/** A profile as a word: `DATA_PROVIDER` is a data provider. */
function profileWord(profile: string): string {
  return profile.toLowerCase().replaceAll('_', ' ')
}
