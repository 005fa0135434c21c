/** The audit: who did what, when, why, until when, before and after. */
import { useSignal } from '@preact/signals'
import type { AuditEntry, AuditView } from '../../api.ts'
import { moment } from '../../model/format.ts'
import { Blank, Failed, Skeleton } from '../../parts/panel.tsx'
import { lastAudit, loads } from '../../state/board.ts'
import { ask } from '../../state/http.ts'
import { useLoaded } from '../../state/loading.ts'
import { now } from '../../state/time.ts'

export function Audit() {
  const newest = useLoaded(
    () => ask<AuditView>('/v1/resilience/audit?limit=100'),
    [loads.value, lastAudit.value?.id, lastAudit.value?.outcome],
  )
  const older = useSignal<readonly AuditEntry[]>([])
  const before = useSignal<number | null | undefined>(undefined)
  const view = newest.value.value
  const entries =
    view === undefined ? [] : [...view.entries, ...older.value.filter(({ id }) => id < (view.entries.at(-1)?.id ?? 0))]
  const next = before.value === undefined ? view?.before : before.value
  const more = async (): Promise<void> => {
    const page = await ask<AuditView>(`/v1/resilience/audit?limit=100&before=${next}`)
    older.value = [...older.value, ...page.entries]
    before.value = page.before
  }
  return (
    <>
      <div class="page-head">
        <h1>Audit</h1>
        <p class="soft">Every act, written down before it takes effect. Nothing is ever changed or deleted.</p>
      </div>
      {view === undefined && newest.error.value !== undefined && (
        <Failed error={newest.error.value} again={newest.again} />
      )}
      {view === undefined && newest.error.value === undefined && (
        <Skeleton label="loading" lines={[100, 100, 100, 100]} />
      )}
      {view?.entries.length === 0 && (
        <Blank title="Nobody has done anything yet">
          Acts of people appear here, and those that the gateway does when their time is over.
        </Blank>
      )}
      {entries.length > 0 && <Table entries={entries} />}
      {next !== null && next !== undefined && (
        <button type="button" class="more" onClick={more}>
          Older entries
        </button>
      )}
    </>
  )
}

function Table({ entries }: { readonly entries: readonly AuditEntry[] }) {
  return (
    <div class="card table-card">
      <table class="rows audit">
        <thead>
          <tr>
            {['When', 'Who', 'What', 'Before', 'After', 'Why'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <Row key={entry.id} {...entry} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Row({ at, who, role, act, target, reason, until, before, after, outcome }: AuditEntry) {
  return (
    <tr>
      <td data-label="When">
        <time dateTime={new Date(at).toISOString()}>{moment(at, now.peek())}</time>
      </td>
      <td data-label="Who">
        <b>{who}</b> {role !== who && <span class="soft">{role}</span>}
      </td>
      <td data-label="What">
        {act} <b>{target}</b>
        {until !== null && <span class="soft"> until {moment(until, now.peek())}</span>}
      </td>
      <td data-label="Before">{before}</td>
      <td data-label="After" class={outcome === 'failed' ? 'bad' : ''}>
        {outcome === 'begun' ? 'not finished' : outcome === 'failed' ? `failed: ${after}` : after}
      </td>
      <td data-label="Why" class="reason">
        {reason}
      </td>
    </tr>
  )
}
