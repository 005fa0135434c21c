/** What happened to a service, down to one refused call and why. */
import { useMemo } from 'preact/hooks'
import type { ExampleCall, Happening, HistoryView } from '../../api.ts'
import { count, duration, moment } from '../../model/format.ts'
import { StateIcon } from '../../parts/state-badge.tsx'
import { happenings, type LiveService } from '../../state/board.ts'
import { now } from '../../state/time.ts'

/** How many entries are shown. */
const MOST = 60

type Example = HistoryView['examples'][number]
type Entry = { readonly at: number; readonly key: string } & (
  | { readonly is: 'happening'; readonly happening: Happening }
  | { readonly is: 'calls'; readonly example: Example; readonly more: number; readonly until: number }
)

export function EventTimeline({
  live,
  history,
  isLive,
}: {
  readonly live: LiveService
  readonly history: HistoryView
  readonly isLive: boolean
}) {
  const last = live.last.value
  const told = happenings.value
  // Seconds that came after the history was loaded are added as they come.
  const later = useMemo(() => new Map<number, readonly ExampleCall[]>(), [history])
  if (isLive && last !== undefined && last.examples.length > 0) later.set(live.window.newest, last.examples)
  const entries = entriesOf(
    [...[...later.values()].flat().map(withCount), ...history.examples],
    [...history.happenings, ...(isLive ? told : [])].filter(({ service }) => service === live.name || service === null),
  )
  return (
    <section class="card">
      <h2>What happened</h2>
      {entries.length === 0 && <p class="soft">Nothing was refused, retried or changed in this time.</p>}
      <ol class="timeline">
        {entries.slice(0, MOST).map((entry) => (
          <li key={entry.key}>
            <time dateTime={new Date(entry.at).toISOString()}>{moment(entry.at, now.peek())}</time>
            {entry.is === 'happening' ? <HappeningLine {...entry.happening} /> : <CallsLine {...entry} />}
          </li>
        ))}
      </ol>
    </section>
  )
}

function HappeningLine({ state, text, who, service }: Happening) {
  return (
    <>
      {state === null ? <span class="icon" /> : <StateIcon state={state} />}
      <span>
        {who !== null && <b>{who} </b>}
        {who === null && service !== null && <b>{service} </b>}
        {text}
      </span>
    </>
  )
}

/** Calls of one kind, which open into the explanation of one of them. */
function CallsLine({ example, more, until, at }: Extract<Entry, { is: 'calls' }>) {
  const { what, operation, message, attempt, retryAfterMs } = example
  const words = {
    refused: ['call refused', 'calls refused'],
    retry: ['retry', 'retries'],
    timeout: ['timeout', 'timeouts'],
  }[what]
  const span = until - at >= 2_000 ? `, over ${duration(until - at)}` : ''
  return (
    <>
      <span class={`icon dot dot-${what}`} />
      <details>
        <summary>
          {count(more)} {words[more === 1 ? 0 : 1]}
          {span}: <span class="soft">{causeOf(message)}</span>
        </summary>
        <dl class="explain">
          <dt>One of them</dt>
          <dd>
            {operation ?? 'an operation without a name'}, attempt {attempt}, at {moment(example.at, now.peek())}
          </dd>
          <dt>Why</dt>
          <dd>{message}</dd>
          {retryAfterMs !== null && (
            <>
              <dt>{what === 'retry' ? 'Next attempt' : 'Come back'}</dt>
              <dd>{retryAfterMs < 1_000 ? `${Math.round(retryAfterMs)} ms later` : `in ${duration(retryAfterMs)}`}</dd>
            </>
          )}
        </dl>
      </details>
    </>
  )
}

/** The cause without the figures of the one call. */
function causeOf(message: string): string {
  const text =
    message
      .slice(message.indexOf(': ') + 1)
      .split(';')[0]
      ?.trim() ?? ''
  return text.length > 70 ? `${text.slice(0, 69)}…` : text
}

function withCount(example: ExampleCall): Example {
  return { count: 1, ...example }
}

/** Both together, the newest first; neighbouring seconds of one kind become one entry. */
function entriesOf(examples: readonly Example[], changes: readonly Happening[]): Entry[] {
  const unique = new Map(changes.map((happening) => [happening.id, happening]))
  // A second may have come both with the history and live.
  const once = new Map(examples.map((example) => [keyOf(example), example]))
  const calls = [...once.values()].sort((a, b) => b.at - a.at)
  const merged: Extract<Entry, { is: 'calls' }>[] = []
  for (const example of calls) {
    const last = merged.findLast(({ example: known }) => kindOf(known) === kindOf(example))
    const changed = last !== undefined && changes.some(({ at }) => at > example.at && at < last.at)
    if (last !== undefined && last.at - example.at <= 5_000 && !changed) {
      merged[merged.indexOf(last)] = {
        ...last,
        at: example.at,
        more: last.more + example.count,
        example,
        key: keyOf(example),
      }
    } else {
      merged.push({ is: 'calls', at: example.at, key: keyOf(example), example, more: example.count, until: example.at })
    }
  }
  const entries: Entry[] = [
    ...merged,
    ...[...unique.values()].map(
      (happening): Entry => ({ is: 'happening', at: happening.at, key: `h${happening.id}`, happening }),
    ),
  ]
  return entries.sort((a, b) => b.at - a.at)
}

function kindOf({ what, message }: Example): string {
  return `${what} ${message.replace(/[\d.,]+/g, '#').slice(0, 60)}`
}

function keyOf(example: Example): string {
  return `${kindOf(example)} ${example.at}`
}
