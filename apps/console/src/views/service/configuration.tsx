import type { ServiceView, SettingView } from '../../api.ts'
import { count, duration } from '../../model/format.ts'

const ORIGINS: Readonly<Record<SettingView['from'], string>> = {
  profile: 'profile',
  defaults: 'defaults',
  service: 'this service',
  operator: 'set by hand',
}

/** The configuration in force, and where each value comes from. */
export function Configuration({ view }: { readonly view: ServiceView }) {
  const { settings, status } = view
  return (
    <section class="card">
      <h2>Configuration in force</h2>
      <table class="settings">
        <thead class="unseen">
          <tr>
            <th scope="col">setting</th>
            <th scope="col">value</th>
            <th scope="col">comes from</th>
          </tr>
        </thead>
        <tbody>
          {settings.map(({ path, value, from }) => (
            <tr key={path}>
              <th scope="row">{path}</th>
              <td>{valueText(path, value)}</td>
              <td class={`origin origin-${from}`}>{from === 'profile' ? status.profile : ORIGINS[from]}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="soft">What is not listed has the default of its pattern.</p>
    </section>
  )
}

function valueText(path: string, value: SettingView['value']): string {
  if (value === false) return 'off'
  if (value === true) return 'on'
  if (typeof value === 'string') return value
  return path.endsWith('Ms')
    ? value < 1_000
      ? `${value} ms`
      : duration(value)
    : value < 1_000
      ? String(Number(value.toFixed(3)))
      : count(value)
}
