/** What is going on with a service and what happens next, in one sentence with the figures in it. */
import type { ServiceStatus, StandingAct } from '../api.ts'
import { duration, latency, moment, rate } from './format.ts'
import type { Rates } from './window.ts'

/** A sentence in two parts: what matters, and what is good to know. */
export interface Sentence {
  readonly strong: string
  readonly soft: string
}

/** Words for what networks say. */
const PLAIN: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/ECONNRESET|socket hang up|other side closed/i, 'the connection was cut'],
  [/ECONNREFUSED/i, 'nobody takes the connection'],
  [/ENOTFOUND|EAI_AGAIN/i, 'its name cannot be resolved'],
  [/ETIMEDOUT|HOLDFAST_TIMEOUT|no answer within/i, 'no answer in time'],
  [/EPIPE/i, 'the connection broke while sending'],
  [/EHOSTUNREACH|ENETUNREACH/i, 'there is no way to it'],
  [/\b503\b/, 'it says that it is not available (503)'],
  [/\b502\b/, 'a proxy before it has no answer (502)'],
  [/\b504\b/, 'a proxy before it waited in vain (504)'],
  [/\b500\b/, 'it failed inside (500)'],
  [/\b429\b/, 'it wants fewer calls (429)'],
  [/unexpected (end|token)|not valid json|malformed/i, 'it answered nonsense'],
]

/** The last error in plain words, with what was said if that tells more. */
export function plainError(error: string): string {
  const words = PLAIN.find(([pattern]) => pattern.test(error))?.[1]
  return words ?? (error.length > 90 ? `${error.slice(0, 89)}…` : error)
}

/** @param now the gateway's time, in milliseconds since 1970 */
export function sentenceOf(status: ServiceStatus, rates: Rates, now: number): Sentence {
  const { state, acts } = status
  const byHand = acts.find(({ kind }) => kind === 'pause' || kind === 'trip' || kind === 'disable')
  if (state === 'PAUSED') return { strong: `Paused ${hand(byHand, now)}`, soft: quoted(byHand) }
  if (state === 'DISABLED')
    return { strong: `Circuit breaker off, nothing is refused. By hand ${hand(byHand, now)}`, soft: quoted(byHand) }
  if (state === 'OPEN') {
    return byHand === undefined
      ? openSentence(status, now)
      : { strong: `Kept open ${hand(byHand, now)}`, soft: quoted(byHand) }
  }
  if (state === 'HALF_OPEN') return probeSentence(status)
  return closedSentence(status, rates, now)
}

function openSentence({ circuit, since }: ServiceStatus, now: number): Sentence {
  const { failureCount = 0, lastError = null, nextAttemptAt = null } = circuit ?? {}
  const why = lastError === null ? '' : `: ${plainError(lastError)}`
  const times = failureCount === 1 ? 'The last call failed' : `The last ${failureCount} calls failed`
  const wait = nextAttemptAt === null ? 0 : nextAttemptAt - now
  const next = wait > 0 ? `next probe in ${duration(wait)}` : 'the next call is the probe'
  return { strong: `${times}${why}.`, soft: `Open for ${duration(now - since)}; ${next}.` }
}

function probeSentence({ circuit }: ServiceStatus): Sentence {
  const { probes = 0, lastError = null } = circuit ?? {}
  const out =
    probes === 0 ? 'The next call is a probe.' : probes === 1 ? 'One probe is out.' : `${probes} probes are out.`
  const before = lastError === null ? '' : ` Before: ${plainError(lastError)}.`
  return { strong: out, soft: `An answer closes the circuit.${before}` }
}

function closedSentence(status: ServiceStatus, rates: Rates, now: number): Sentence {
  const { circuit, limit, slots, since, acts } = status
  if (limit !== null && limit.pausedForMs > 0) {
    return { strong: `It asked for a pause: ${duration(limit.pausedForMs)} left.`, soft: waiting(slots?.queued ?? 0) }
  }
  if (circuit !== null && circuit.failureCount > 0) {
    const { failureCount, failureThreshold, lastError } = circuit
    const why = lastError === null ? '' : `: ${plainError(lastError)}`
    const times = failureCount === 1 ? '1 failure' : `${failureCount} failures in a row`
    return { strong: `${times}${why}.`, soft: `Opens at ${failureThreshold}.` }
  }
  if (slots !== null && slots.active >= slots.max) {
    return { strong: `All ${slots.max} slots are taken.`, soft: waiting(slots.queued) }
  }
  if (limit?.remaining !== null && limit?.remaining !== undefined && limit.remaining < 1) {
    return { strong: 'Its limit is used up.', soft: waiting(slots?.queued ?? 0) }
  }
  const changed = acts.find(({ kind }) => kind === 'limit' || kind === 'slots')
  if (changed !== undefined) {
    const what = changed.kind === 'limit' ? 'Limit' : 'Slots'
    return { strong: `${what} set ${hand(changed, now)}`, soft: quoted(changed) }
  }
  if (rates.failed > 0) return { strong: `${rate(rates.failed)} calls a second fail.`, soft: '' }
  if (rates.calls === 0)
    return { strong: '', soft: `Quiet: no call in the last 10 s. Well for ${duration(now - since)}.` }
  return { strong: '', soft: `Well for ${duration(now - since)}.` }
}

function hand(act: StandingAct | undefined, now: number): string {
  if (act === undefined) return 'by hand.'
  const until = act.until === null ? ', until somebody ends it.' : ` until ${moment(act.until, now)}.`
  return `by ${act.who}${until}`
}

function quoted(act: StandingAct | undefined): string {
  if (act === undefined) return ''
  return `“${act.reason.length > 80 ? `${act.reason.slice(0, 79)}…` : act.reason}”`
}

function waiting(queued: number): string {
  return queued === 0 ? 'Nobody waits.' : queued === 1 ? '1 call waits.' : `${queued} calls wait.`
}

/** A latency in one text. */
export function latencyText(ms: number | null | undefined): string {
  return ms === null || ms === undefined ? '–' : latency(ms).join(' ')
}
