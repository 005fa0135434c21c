/** The servers that keep the limits, as this process sees them. */
import type { FleetShardView } from '../../api.ts'
import { since } from './since.ts'
import { Table } from './table.tsx'

export function Servers({ servers }: { readonly servers: readonly FleetShardView[] }) {
  return (
    <Table title="Redis" columns={['Keeps', 'Now', 'Last answer', 'Answers take']}>
      {servers.map(({ tag, available, silentForMs, roundTripMs }) => (
        <tr key={tag}>
          <td data-label="Keeps">{tag === 'fleet' ? 'everything' : tag}</td>
          <td data-label="Now" class={available ? '' : 'bad'}>
            {available ? 'answers' : 'away'}
          </td>
          <td data-label="Last answer">{silentForMs === null ? 'none yet' : since(silentForMs)}</td>
          <td data-label="Answers take">{roundTripMs.toFixed(1)} ms</td>
        </tr>
      ))}
    </Table>
  )
}
