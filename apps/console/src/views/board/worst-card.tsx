/** The worst service and what can be done about it, beside the board. */
import { useComputed } from '@preact/signals'
import { askFor } from '../../parts/act-dialog.tsx'
import { stateWord } from '../../parts/state-badge.tsx'
import { actsFor, formOf } from '../../model/acts.ts'
import { severity } from '../../model/ranking.ts'
import { sentenceOf } from '../../model/sentence.ts'
import { type LiveService, services } from '../../state/board.ts'
import { servicePath } from '../../state/router.ts'
import { may } from '../../state/session.ts'
import { now } from '../../state/time.ts'

export function WorstCard() {
  const worst = useComputed((): LiveService | undefined => {
    let found: LiveService | undefined
    let most = 4
    for (const live of services.value ?? []) {
      const own = severity(live.status.value, live.rates.value)
      if (own > most) {
        most = own
        found = live
      }
    }
    return found
  }).value
  if (worst === undefined) return null
  const status = worst.status.value
  const { strong, soft } = sentenceOf(status, worst.rates.value, now.value)
  const acts = actsFor(status).filter((act) => may(formOf(act, '').role))
  return (
    <section class="card card-bad">
      <h2>
        <a href={servicePath(worst.name)}>{worst.name}</a> is {stateWord(status.state).toLowerCase()}
      </h2>
      <p class="why">
        <b>{strong}</b> {soft}
      </p>
      <div class="acts">
        {acts.slice(0, 3).map((act) => (
          <button key={act} type="button" onClick={() => askFor(act, worst.name)}>
            {formOf(act, worst.name).label}…
          </button>
        ))}
      </div>
    </section>
  )
}
