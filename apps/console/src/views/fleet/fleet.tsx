/** The fleet as one, and each process in it. */
import { sentenceOfFleet } from '../../model/fleet-sentence.ts'
import { Blank } from '../../parts/panel.tsx'
import { fleet } from '../../state/fleet.ts'
import { Limits } from './limits.tsx'
import { Members } from './members.tsx'
import { Servers } from './servers.tsx'

export function Fleet() {
  const { value } = fleet
  return (
    <>
      <div class="page-head">
        <h1>Fleet</h1>
        <p class="soft">Processes that keep one limit and one circuit for each service, through one Redis.</p>
      </div>
      {value === null ? (
        <Blank title="This gateway is alone">
          Its limits and circuits are its own. Started with REDIS_URL it shares them.
        </Blank>
      ) : (
        <div class="fleet">
          <p>{sentenceOfFleet(value)}</p>
          {value.members !== null && <Members members={value.members} own={value.processId} />}
          <Servers servers={value.shards} />
          <Limits limits={value.limits} own={value.processId} />
        </div>
      )}
    </>
  )
}
