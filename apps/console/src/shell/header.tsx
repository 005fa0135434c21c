/** The head of every view: where one is, how fresh it is, the kill switch, who is signed in. */
import { askFor } from '../parts/act-dialog.tsx'
import { Mark } from '../parts/mark.tsx'
import { orders } from '../state/board.ts'
import { ageMs, connection, disconnect } from '../state/connection.ts'
import { fleet } from '../state/fleet.ts'
import { pathOf, route } from '../state/router.ts'
import { may, session, signOut } from '../state/session.ts'
import { helpOpen } from './help.tsx'

const VIEWS = [
  ['board', 'Board'],
  ['flow', 'Flow'],
  ['incidents', 'Incidents'],
  ['rehearsal', 'Rehearsal'],
  ['audit', 'Audit'],
] as const

/** Only in a fleet. */
const FLEET = ['fleet', 'Fleet'] as const

export function Header() {
  const open = route.value.view === 'service' ? 'board' : route.value.view
  return (
    <header class="top">
      <a class="home" href={pathOf('board')} aria-label="Holdfast, to the board">
        <Mark />
        <span>Holdfast</span>
      </a>
      <nav aria-label="Views">
        {(fleet.value === null ? VIEWS : [...VIEWS, FLEET]).map(([view, name]) => (
          <a key={view} href={pathOf(view)} aria-current={open === view ? 'page' : undefined}>
            {name}
          </a>
        ))}
      </nav>
      <Freshness />
      <button
        type="button"
        class="quiet keys-button"
        aria-label="Keys"
        aria-keyshortcuts="?"
        onClick={() => (helpOpen.value = true)}
      >
        ?
      </button>
      <Who />
      <KillSwitchButton />
    </header>
  )
}

function Freshness() {
  const { value } = connection
  const age = (Math.max(0, ageMs.value) / 1_000).toFixed(1)
  return (
    <div class={`fresh fresh-${value.is}`}>
      <i aria-hidden="true" />
      <span>
        {value.is}
        {value.is !== 'connecting' && <small>, {age} s old</small>}
      </span>
    </div>
  )
}

function Who() {
  const { value } = session
  if (value.is !== 'somebody') return null
  return (
    <button
      type="button"
      class="quiet who"
      title={`Signed in as ${value.name}, ${value.role}. Press to sign out.`}
      onClick={leave}
    >
      {value.name} <small>{value.role}</small>
      <span class="unseen">, sign out</span>
    </button>
  )
}

async function leave(): Promise<void> {
  disconnect()
  await signOut()
}

function KillSwitchButton() {
  if (!may('operator')) return null
  const stopped = orders.value?.stopped ?? false
  return (
    <button
      type="button"
      class={stopped ? 'kill' : 'kill danger'}
      onClick={() => askFor(stopped ? 'allow-orders' : 'stop-orders')}
    >
      {stopped ? 'Allow new orders…' : 'Stop new orders…'}
    </button>
  )
}
