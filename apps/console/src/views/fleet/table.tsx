import type { ComponentChildren } from 'preact'

/** A titled table whose rows are stacked on a phone. */
export function Table(props: {
  readonly title: string
  readonly columns: readonly string[]
  /** Columns of numbers, behind the others. */
  readonly figures?: readonly string[]
  readonly children: ComponentChildren
}) {
  const { title, columns, figures = [], children } = props
  return (
    <section class="card table-card">
      <h2>{title}</h2>
      <table class="rows">
        <thead>
          <tr>
            {columns.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
            {figures.map((name) => (
              <th key={name} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  )
}
