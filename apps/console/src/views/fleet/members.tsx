/** The processes of the fleet. */
import type { FleetMemberView } from '../../api.ts'
import { percent } from '../../model/format.ts'
import { since } from './since.ts'
import { Table } from './table.tsx'

export function Members(props: { readonly members: readonly FleetMemberView[]; readonly own: string }) {
  const { members, own } = props
  return (
    <Table title="Processes" columns={['Process', 'Now', 'Last heard of', 'Share without Redis']}>
      {members.map(({ processId, silentForMs, part, isAlone }) => (
        <tr key={processId} data-process={processId}>
          <td data-label="Process">
            <b>{processId}</b> {processId === own && <span class="soft">this one</span>}
          </td>
          <td data-label="Now" class={isAlone ? 'bad' : ''}>
            {isAlone ? 'silent: gone, or cut off' : 'in the fleet'}
          </td>
          <td data-label="Last heard of">{since(silentForMs)}</td>
          <td data-label="Share without Redis">{percent(part)} %</td>
        </tr>
      ))}
    </Table>
  )
}
