/** Rehearsal: let a stand-in fail, and watch what the platform makes of it. */
import { useSignal } from '@preact/signals'
import type { TargetedSubmitEvent } from 'preact'
import type { RehearsalFault, RehearsalView } from '../../api.ts'
import { doneText, undoOf } from '../../model/acts.ts'
import { duration, moment } from '../../model/format.ts'
import { Blank, Failed, Skeleton } from '../../parts/panel.tsx'
import { lastAudit, serviceNamed, services } from '../../state/board.ts'
import { ask } from '../../state/http.ts'
import { useLoaded } from '../../state/loading.ts'
import { notify } from '../../state/notices.ts'
import { may, perform } from '../../state/session.ts'
import { gatewayTime, now } from '../../state/time.ts'
import { Tile } from '../board/tile.tsx'

const FAULTS: readonly (readonly [fault: RehearsalFault, name: string, says: string])[] = [
  ['hang', 'Hangs', 'It takes requests and never answers.'],
  ['reset', 'Cuts connections', 'Every connection is reset.'],
  ['errors', 'Fails', 'Every answer is a 503.'],
  ['slow', 'Is slow', 'Answers come after 3 s.'],
  ['throttle', 'Throttles', 'Every answer is a 429.'],
  ['garbage', 'Talks nonsense', 'Answers are broken JSON.'],
  ['flap', 'Flaps', '5 s up, 5 s down, and again.'],
]

const TIMES: readonly (readonly [label: string, ms: number])[] = [
  ['30 seconds', 30_000],
  ['1 minute', 60_000],
  ['5 minutes', 300_000],
]

export function Rehearsal() {
  const loaded = useLoaded(
    () => ask<RehearsalView>('/v1/resilience/rehearsal'),
    [lastAudit.value?.id, lastAudit.value?.outcome],
  )
  const view = loaded.value.value
  return (
    <>
      <div class="page-head">
        <h1>Rehearsal</h1>
        <p class="soft">Let a stand-in fail, and watch what becomes of it. It ends by itself.</p>
      </div>
      {view === undefined && loaded.error.value !== undefined && (
        <Failed error={loaded.error.value} again={loaded.again} />
      )}
      {view === undefined && loaded.error.value === undefined && (
        <Skeleton label="loading" lines={[40, 100, 100, 100]} />
      )}
      {view !== undefined && !view.allowed && (
        <Blank title="Nothing can be rehearsed here">
          The gateway talks to the real services. Faults are injected into stand-ins only: start a gateway without
          credentials for that.
        </Blank>
      )}
      {view?.allowed && !may('operator') && (
        <Blank title="You are signed in to look">
          A rehearsal needs the role operator. Ask for a token that has it.
        </Blank>
      )}
      {view?.allowed && may('operator') && <Stage view={view} />}
    </>
  )
}

function Stage({ view }: { readonly view: RehearsalView }) {
  const upstream = useSignal(view.upstreams[0]?.name ?? '')
  const fault = useSignal<RehearsalFault>('hang')
  const forMs = useSignal(30_000)
  const busy = useSignal(false)
  const begin = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    busy.value = true
    const reason = String(new FormData(event.currentTarget).get('reason') ?? '').trim()
    const act = {
      act: 'inject-fault',
      upstream: upstream.value,
      fault: fault.value,
      forMs: forMs.value,
      reason,
    } as const
    try {
      const { until } = await perform(act)
      notify(doneText(act, until === null ? null : moment(until, gatewayTime())), { undo: undoOf(act) })
    } catch (error) {
      notify(error instanceof Error ? error.message : String(error), { bad: true })
    }
    busy.value = false
  }
  const says = FAULTS.find(([name]) => name === fault.value)?.[1].toLowerCase() ?? ''
  return (
    <div class="rehearsal">
      <form class="card" onSubmit={begin}>
        <fieldset class="choices">
          <legend>Which stand-in</legend>
          {view.upstreams.map(({ name, faults, until }) => (
            <label key={name} class="choice">
              <input
                type="radio"
                name="upstream"
                value={name}
                checked={upstream.value === name}
                onChange={() => (upstream.value = name)}
              />
              <span>
                <b>{name}</b>
                <small class={faults.length > 0 ? 'bad' : ''}>
                  {faults.length === 0 ? 'well' : `${faults.join(', ')}${left(until)}`}
                </small>
              </span>
            </label>
          ))}
        </fieldset>
        <fieldset class="choices">
          <legend>What it does</legend>
          {FAULTS.map(([name, title, words]) => (
            <label key={name} class="choice">
              <input
                type="radio"
                name="fault"
                value={name}
                checked={fault.value === name}
                onChange={() => (fault.value = name)}
              />
              <span>
                <b>{title}</b>
                <small>{words}</small>
              </span>
            </label>
          ))}
        </fieldset>
        <div class="fields">
          <label class="field">
            <span>For</span>
            <select
              value={String(forMs.value)}
              onChange={({ currentTarget }) => (forMs.value = Number(currentTarget.value))}
            >
              {TIMES.map(([label, ms]) => (
                <option key={ms} value={ms}>
                  {label}
                </option>
              ))}
            </select>
          </label>
          <label class="field">
            <span>Why</span>
            <input name="reason" required minLength={3} maxLength={500} defaultValue="rehearsal" />
          </label>
        </div>
        <div class="dialog-ends">
          {view.upstreams
            .filter(({ faults }) => faults.length > 0)
            .map(({ name }) => (
              <button key={name} type="button" onClick={() => end(name)}>
                End for {name}
              </button>
            ))}
          <button type="submit" class="main danger" disabled={busy.value}>
            Begin: {upstream.value} {says}
          </button>
        </div>
      </form>
      <section class="rehearsal-board" aria-label="The services, live">
        <h2>What the platform makes of it</h2>
        <div class="tiles">
          {(services.value ?? []).map(({ name }) => {
            const live = serviceNamed(name)
            return live === undefined ? null : <Tile key={name} live={live} dense={false} />
          })}
        </div>
      </section>
    </div>
  )
}

function left(until: number | null): string {
  return until === null ? '' : `, ${duration(until - now.value)} left`
}

async function end(upstream: string): Promise<void> {
  const act = { act: 'clear-faults', upstream, reason: 'the rehearsal is over' } as const
  try {
    await perform(act)
    notify(doneText(act, null))
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error), { bad: true })
  }
}
