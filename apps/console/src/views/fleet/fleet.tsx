/** The fleet as one, and each process in it. */
import type { FleetMemberView, FleetView } from '../../api.ts'
import { Blank } from '../../parts/panel.tsx'
import { fleet } from '../../state/fleet.ts'

export function Fleet() {
  const { value } = fleet
  return (
    <>
      <div class="page-head">
        <h1>Fleet</h1>
        <p class="soft">Processes that keep one limit and one circuit for each service, through one Redis.</p>
      </div>
      {value === null ? (
        <Blank title="This gateway is alone">
          Its limits and circuits are its own. Started with REDIS_URL it shares them.
        </Blank>
      ) : (
        <>
          <p class="sentence">{sentenceOf(value)}</p>
          {value.members !== null && <Table members={value.members} own={value.processId} />}
        </>
      )}
    </>
  )
}

function sentenceOf({ members, shards }: FleetView): string {
  const isSharing = shards.some(({ sharing }) => sharing)
  if (members === null) {
    return isSharing
      ? 'Redis is away: this gateway keeps to its share of each limit.'
      : 'Redis is away: this gateway admits what it has, until it goes on its share of each limit.'
  }
  const alone = members.filter(({ isAlone }) => isAlone)
  const kept = Math.round(alone.reduce((sum, { part }) => sum + part, 0) * 100)
  const silent =
    alone.length === 0 ? 'all are heard of' : `${alone.length} not heard of, ${kept} % of each limit kept for them`
  return `${members.length} ${members.length === 1 ? 'process' : 'processes'}: ${silent}.`
}

function Table({ members, own }: { readonly members: readonly FleetMemberView[]; readonly own: string }) {
  return (
    <div class="card table-card">
      <table>
        <thead>
          <tr>
            {['Process', 'Last heard of', 'Its share without Redis', 'Now'].map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {members.map(({ processId, silentForMs, part, isAlone }) => (
            <tr key={processId}>
              <td data-label="Process">
                <b>{processId}</b> {processId === own && <span class="soft">this one</span>}
              </td>
              <td data-label="Last heard of">{(silentForMs / 1_000).toFixed(1)} s ago</td>
              <td data-label="Its share without Redis">{Math.round(part * 100)} %</td>
              <td data-label="Now" class={isAlone ? 'bad' : ''}>
                {isAlone ? 'gone, or on its own' : 'in the fleet'}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}
