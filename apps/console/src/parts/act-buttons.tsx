import type { ServiceStatus } from '../api.ts'
import { type ActName, actsFor, formOf } from '../model/acts.ts'
import { may } from '../state/session.ts'
import { askFor } from './act-dialog.tsx'

/** What can be done with a service now, by whom is signed in. @param most how many are shown */
export function ActButtons({ status, most = 8 }: { readonly status: ServiceStatus; readonly most?: number }) {
  const acts = actsFor(status).filter((act) => may(formOf(act, '').role))
  if (acts.length === 0) return <p class="soft">You are signed in to look. Acts need the role operator.</p>
  return (
    <div class="acts">
      {acts.slice(0, most).map((act) => (
        <ActButton key={act} act={act} target={status.name} />
      ))}
    </div>
  )
}

function ActButton({ act, target }: { readonly act: ActName; readonly target: string }) {
  return (
    <button type="button" onClick={() => askFor(act, target)}>
      {formOf(act, target).label}…
    </button>
  )
}
