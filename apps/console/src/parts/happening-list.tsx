import type { Happening } from '../api.ts'
import { moment } from '../model/format.ts'
import { servicePath } from '../state/router.ts'
import { now } from '../state/time.ts'
import { StateIcon } from './state-badge.tsx'

/** What happened, the newest first. */
export function HappeningList({ list, linked }: { readonly list: readonly Happening[]; readonly linked: boolean }) {
  return (
    <ol class="happenings">
      {list.map((happening) => (
        <li key={happening.id}>
          <time dateTime={new Date(happening.at).toISOString()}>{moment(happening.at, now.peek())}</time>
          <Mark {...happening} />
          <span>
            <Subject {...happening} linked={linked} /> {happening.text}
          </span>
        </li>
      ))}
    </ol>
  )
}

function Mark({ state, kind }: Happening) {
  if (state !== null) return <StateIcon state={state} />
  return (
    <svg class={`icon kind-${kind}`} viewBox="0 0 12 12" aria-hidden="true">
      <circle cx="6" cy="6" r="2.2" fill="currentColor" />
    </svg>
  )
}

function Subject({ service, who, kind, linked }: Happening & { readonly linked: boolean }) {
  const name =
    service === null || kind === 'rehearsal' ? null : linked ? (
      <a href={servicePath(service)}>{service}</a>
    ) : (
      <b>{service}</b>
    )
  if (who === null) return name
  return (
    <>
      {(name !== null || service !== null) && <>{name ?? <b>{service}</b>}: </>}
      <b>{who}</b>
    </>
  )
}
