/** The worst service and what can be done about it, beside the board. */
import { useComputed } from '@preact/signals'
import { severity } from '../../model/ranking.ts'
import { sentenceOf } from '../../model/sentence.ts'
import { ActButtons } from '../../parts/act-buttons.tsx'
import { stateWord } from '../../parts/state-badge.tsx'
import { type LiveService, services } from '../../state/board.ts'
import { servicePath } from '../../state/router.ts'
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
  return (
    <section class="card card-bad">
      <h2>
        <a href={servicePath(worst.name)}>{worst.name}</a> is {stateWord(status.state).toLowerCase()}
      </h2>
      <p class="why">
        <b>{strong}</b> {soft}
      </p>
      <ActButtons status={status} most={3} />
    </section>
  )
}
