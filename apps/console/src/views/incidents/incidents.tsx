/** Incidents: what was down, for how long, what it cost and what was saved. */
import type { Incident, IncidentsView } from '../../api.ts'
import { count, day, duration, moment } from '../../model/format.ts'
import { plainError } from '../../model/sentence.ts'
import { Blank, Failed, Skeleton } from '../../parts/panel.tsx'
import { StateIcon } from '../../parts/state-badge.tsx'
import { happenings, loads } from '../../state/board.ts'
import { ask } from '../../state/http.ts'
import { useLoaded } from '../../state/loading.ts'
import { servicePath } from '../../state/router.ts'
import { now } from '../../state/time.ts'

export function Incidents() {
  const newest = happenings.value[0]?.id
  // While one lasts its figures grow.
  const loaded = useLoaded(
    () => ask<IncidentsView>('/v1/resilience/incidents?limit=200'),
    [loads.value, newest, Math.floor(now.value / 5_000)],
  )
  const incidents = loaded.value.value?.incidents
  return (
    <>
      <div class="page-head">
        <h1>Incidents</h1>
        <p class="soft">From the opening of a circuit to its closing. Kept by the gateway, restarts included.</p>
      </div>
      {incidents === undefined && loaded.error.value !== undefined && (
        <Failed error={loaded.error.value} again={loaded.again} />
      )}
      {incidents === undefined && loaded.error.value === undefined && (
        <Skeleton label="loading" lines={[40, 100, 100, 40, 100, 100]} />
      )}
      {incidents?.length === 0 && (
        <Blank title="No incident yet">
          When a circuit opens, it is written down here, with what it cost and what it saved.
        </Blank>
      )}
      {incidents?.map((incident) => (
        <IncidentCard key={incident.id} incident={incident} />
      ))}
    </>
  )
}

function IncidentCard({ incident }: { readonly incident: Incident }) {
  const { id, service, openedAt, closedAt, cause, ending, refused, failed, timeouts, retries, reopened, waitLimitMs } =
    incident
  const lasts = closedAt === null
  const length = (closedAt ?? now.value) - openedAt
  const range = { from: openedAt - 60_000, to: (closedAt ?? now.peek()) + 60_000 }
  return (
    <article class={lasts ? 'card incident state-edge-OPEN' : 'card incident'} aria-labelledby={`incident-${id}`}>
      <header class="incident-head">
        <StateIcon state={lasts ? 'OPEN' : 'CLOSED'} />
        <h2 id={`incident-${id}`}>
          <a href={servicePath(service, range)}>{service}</a>
        </h2>
        <span class="soft">
          <time dateTime={new Date(openedAt).toISOString()}>
            {day(openedAt)}, {moment(openedAt, openedAt)}
          </time>
          {lasts ? ', lasts' : ` to ${moment(closedAt, openedAt)}`}
        </span>
        <a class="button" href={`/v1/resilience/incidents/${id}/report`} download={`incident-${id}.md`}>
          Markdown
        </a>
      </header>
      <p class="why">
        <b>{causeText(cause)}</b> {ending === null ? 'It lasts.' : `${sentence(ending)}`}
      </p>
      <dl class="incident-figures">
        <Figure label={lasts ? 'lasts for' : 'lasted'} value={duration(length)} />
        <Figure
          label="saved from waiting"
          value={count(refused.circuit)}
          note={waitLimitMs === null ? 'calls' : `calls, up to ${duration(refused.circuit * waitLimitMs)}`}
        />
        <Figure label="failed" value={count(failed)} note={timeouts > 0 ? `${count(timeouts)} out of time` : 'calls'} />
        <Figure label="refused otherwise" value={count(refused.limit + refused.slots)} note="limit, slots" />
        <Figure
          label="retries"
          value={count(retries)}
          note={reopened === 0 ? 'no probe failed' : `${count(reopened)} ${reopened === 1 ? 'probe' : 'probes'} failed`}
        />
        <Doubt incident={incident} />
      </dl>
    </article>
  )
}

function Doubt({ incident: { ordersInDoubt } }: { readonly incident: Incident }) {
  if (ordersInDoubt === null) return null
  const open = ordersInDoubt.filter(({ ending }) => ending === null).length
  const note =
    ordersInDoubt.length === 0 ? 'none came into doubt' : open === 0 ? 'all resolved' : `${open} still in doubt`
  return <Figure label="orders in doubt" value={count(ordersInDoubt.length)} note={note} />
}

function Figure({ label, value, note }: { readonly label: string; readonly value: string; readonly note?: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>
        {value}
        {note !== undefined && <small> {note}</small>}
      </dd>
    </div>
  )
}

/** What opened it, its error in plain words. */
function causeText(cause: string): string {
  const colon = cause.indexOf(': ')
  if (colon < 0) return sentence(cause)
  return sentence(`${cause.slice(0, colon)}: ${plainError(cause.slice(colon + 2))}`)
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
