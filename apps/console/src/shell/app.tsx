import { useSignalEffect } from '@preact/signals'
import { ActDialog } from '../parts/act-dialog.tsx'
import { NoticeList } from '../parts/notice-list.tsx'
import { Blank, Skeleton } from '../parts/panel.tsx'
import { orders } from '../state/board.ts'
import { connect, connection, disconnect } from '../state/connection.ts'
import { followFleet } from '../state/fleet.ts'
import { pathOf, route } from '../state/router.ts'
import { session } from '../state/session.ts'
import { Audit } from '../views/audit/audit.tsx'
import { Board } from '../views/board/board.tsx'
import { Fleet } from '../views/fleet/fleet.tsx'
import { Flow } from '../views/flow/flow.tsx'
import { Incidents } from '../views/incidents/incidents.tsx'
import { Rehearsal } from '../views/rehearsal/rehearsal.tsx'
import { ServicePage } from '../views/service/service.tsx'
import { SignIn } from '../views/sign-in/sign-in.tsx'
import { Announcer, Banners } from './banners.tsx'
import { Header } from './header.tsx'
import { Help } from './help.tsx'

/** The whole page. */
export function App() {
  useSignalEffect(() => {
    if (session.value.is === 'somebody') connect()
    else disconnect()
  })
  useSignalEffect(() => (session.value.is === 'somebody' ? followFleet() : undefined))
  useSignalEffect(() => {
    document.title = titleOf()
  })
  const { is } = session.value
  if (is === 'nobody') return <SignIn />
  if (is === 'unknown') {
    return (
      <main class="view">
        <Skeleton label="loading" lines={[30, 100, 100]} />
      </main>
    )
  }
  return (
    <>
      <a class="skip" href="#view">
        To the content
      </a>
      <Header />
      <Banners />
      {orders.value === undefined ? (
        // Another element than what follows it, so that nothing is moved by what comes.
        <main key="before" class="view">
          <h1 class="unseen">Holdfast</h1>
          <Skeleton label="loading" lines={[30, 100, 100, 100]} />
        </main>
      ) : (
        <main key="view" id="view" class={connection.value.is === 'stale' ? 'view view-stale' : 'view'}>
          <OpenView />
        </main>
      )}
      <Announcer />
      <NoticeList />
      <ActDialog />
      <Help />
    </>
  )
}

function OpenView() {
  const { value } = route
  switch (value.view) {
    case 'board':
      return <Board />
    case 'service':
      return <ServicePage name={value.name} from={value.from} to={value.to} />
    case 'flow':
      return <Flow />
    case 'incidents':
      return <Incidents />
    case 'rehearsal':
      return <Rehearsal />
    case 'audit':
      return <Audit />
    case 'fleet':
      return <Fleet />
    case 'unknown':
      return (
        <Blank first title="There is no such page">
          <a href={pathOf('board')}>To the board</a>
        </Blank>
      )
  }
}

function titleOf(): string {
  const { value } = route
  if (value.view === 'service') return `${value.name.slice(0, 60)} · Holdfast`
  if (value.view === 'board' || value.view === 'unknown') return 'Holdfast'
  return `${value.view.charAt(0).toUpperCase()}${value.view.slice(1)} · Holdfast`
}
