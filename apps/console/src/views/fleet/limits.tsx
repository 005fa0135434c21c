/** What became of the tokens that this process leased. */
import type { FleetLimitView } from '../../api.ts'
import { count } from '../../model/format.ts'
import { Table } from './table.tsx'

const TOKENS = ['Leased', 'Spent', 'Given back', 'Spent without Redis'] as const

export function Limits(props: { readonly limits: Readonly<Record<string, FleetLimitView>>; readonly own: string }) {
  const { limits, own } = props
  return (
    <Table title={`Tokens of ${own} since it started`} columns={['Limit']} figures={TOKENS}>
      {Object.entries(limits).map(([name, { granted, spent, givenBack, unleased }]) => (
        <tr key={name}>
          <td data-label="Limit">
            <b>{name}</b>
          </td>
          {[granted, spent, givenBack, unleased].map((tokens, index) => (
            <td key={TOKENS[index]} data-label={TOKENS[index]} class="number">
              {count(Math.round(tokens))}
            </td>
          ))}
        </tr>
      ))}
    </Table>
  )
}
