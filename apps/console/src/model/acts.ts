/** What each act says before it is done, what it needs, and what takes it back. */
import type { ActRequest, Role, ServiceStatus } from '../api.ts'

/** An act that a person can begin on the page. */
export type ActName = Exclude<ActRequest['act'], 'inject-fault' | 'clear-faults'>

/** How an act is asked for. */
export interface ActForm {
  /** The button and the heading: `Keep open…`. */
  readonly label: string
  /** What it will do, in a sentence. */
  readonly says: string
  readonly role: Role
  /** Whether it holds for a time: it must be said, may be said, or makes no sense. */
  readonly time: 'must' | 'may' | 'no'
  readonly danger: boolean
}

/** @param target name of the service */
export function formOf(act: ActName, target: string): ActForm {
  switch (act) {
    case 'trip':
      return {
        label: 'Keep open',
        says: `Refuses every call to ${target} at once, until the time is over or somebody closes the circuit.`,
        role: 'operator',
        time: 'may',
        danger: true,
      }
    case 'reset':
      return {
        label: 'Reset',
        says: `Closes the circuit of ${target}, forgets its failures, and lets it decide by itself again. Calls go through at once.`,
        role: 'operator',
        time: 'no',
        danger: false,
      }
    case 'disable':
      return {
        label: 'Switch breaker off',
        says: `Lets every call to ${target} through, however many fail. Nothing is counted meanwhile.`,
        role: 'admin',
        time: 'may',
        danger: true,
      }
    case 'pause':
      return {
        label: 'Pause',
        says: `Refuses every call to ${target}, cancels too, and goes on by itself: for planned maintenance.`,
        role: 'operator',
        time: 'must',
        danger: false,
      }
    case 'set-limit':
      return {
        label: 'Set limit',
        says: `Another limit of calls to ${target}, for a while; then the configured one holds again. More than configured needs an admin.`,
        role: 'operator',
        time: 'must',
        danger: false,
      }
    case 'restore-limit':
      return {
        label: 'Restore limit',
        says: `The configured limit of ${target} holds again.`,
        role: 'operator',
        time: 'no',
        danger: false,
      }
    case 'set-slots':
      return {
        label: 'Set slots',
        says: `Another number of calls to ${target} at once, for a while. Calls that run are finished. More than configured needs an admin.`,
        role: 'operator',
        time: 'must',
        danger: false,
      }
    case 'restore-slots':
      return {
        label: 'Restore slots',
        says: `The configured slots of ${target} hold again.`,
        role: 'operator',
        time: 'no',
        danger: false,
      }
    case 'stop-orders':
      return {
        label: 'Stop new orders',
        says: 'Refuses every new order of everybody, at all brokers, from this moment. Cancels go through.',
        role: 'operator',
        time: 'no',
        danger: true,
      }
    case 'allow-orders':
      return {
        label: 'Allow new orders',
        says: 'New orders are taken again, from this moment.',
        role: 'operator',
        time: 'no',
        danger: false,
      }
  }
}

/** The acts that make sense for a service now; the likeliest first. */
export function actsFor(status: ServiceStatus): readonly ActName[] {
  const acts: ActName[] = []
  const byHand = status.acts.some(({ kind }) => kind === 'trip' || kind === 'pause' || kind === 'disable')
  if (status.circuit !== null) {
    if (status.state !== 'CLOSED' || byHand) acts.push('reset')
    if (!status.acts.some(({ kind }) => kind === 'trip')) acts.push('trip')
    if (status.state !== 'PAUSED') acts.push('pause')
  }
  if (status.limit?.tokensPerSecond !== null && status.limit !== null) {
    acts.push(status.acts.some(({ kind }) => kind === 'limit') ? 'restore-limit' : 'set-limit')
  }
  if (status.slots !== null) acts.push(status.acts.some(({ kind }) => kind === 'slots') ? 'restore-slots' : 'set-slots')
  if (status.circuit !== null && status.state !== 'DISABLED') acts.push('disable')
  return acts
}

/** What takes an act back; undefined for what cannot be. */
export function undoOf(done: ActRequest): ActRequest | undefined {
  const reason = `taken back: ${done.reason}`.slice(0, 500)
  switch (done.act) {
    case 'trip':
    case 'pause':
    case 'disable':
      return { act: 'reset', service: done.service, reason }
    case 'set-limit':
      return { act: 'restore-limit', service: done.service, reason }
    case 'set-slots':
      return { act: 'restore-slots', service: done.service, reason }
    case 'stop-orders':
      return { act: 'allow-orders', reason }
    case 'allow-orders':
      return { act: 'stop-orders', reason }
    case 'inject-fault':
      return { act: 'clear-faults', upstream: done.upstream, reason }
    default:
      return undefined
  }
}

/** What was done, in a sentence. */
export function doneText(done: ActRequest, until: string | null): string {
  const till = until === null ? '' : ` until ${until}`
  switch (done.act) {
    case 'trip':
      return `${done.service} is kept open${till}.`
    case 'pause':
      return `${done.service} is paused${till}.`
    case 'disable':
      return `The circuit breaker of ${done.service} is off${till}.`
    case 'reset':
      return `${done.service} is closed and decides by itself.`
    case 'set-limit':
      return `${done.service} has ${done.tokensPerSecond} calls a second${till}.`
    case 'set-slots':
      return `${done.service} has ${done.maxConcurrent} slots${till}.`
    case 'restore-limit':
      return `${done.service} has its configured limit again.`
    case 'restore-slots':
      return `${done.service} has its configured slots again.`
    case 'stop-orders':
      return 'New orders are stopped. Cancels go through.'
    case 'allow-orders':
      return 'New orders are taken again.'
    case 'inject-fault':
      return `${done.upstream} fails${till}.`
    case 'clear-faults':
      return `${done.upstream} is well again.`
  }
}
