/** The language of faults of Interactive Brokers: what a rule may say, checked when it arrives. */
import { z } from 'zod'
import { checked } from '../checked-input.ts'
import type { FaultLanguage } from '../faults/fault-book.ts'
import { beforeOrAfter, latency, milliseconds, occurrence, oneOf, pattern, ruleId } from '../faults/occurrence.ts'
import { REQUEST } from './wire/message-ids.ts'

/** The "message" that a connection is, before anything was said on it. */
export const CONNECTING = 0

const bytes = z.number().int().min(1)

const actions = [
  latency,
  /** The connection goes silent: nothing is read or told any more, and it stays open. */
  z.strictObject({ type: z.literal('hang'), where: beforeOrAfter.default('before') }),
  /** TCP reset. */
  z.strictObject({ type: z.literal('reset'), where: z.enum(['accept', 'before', 'after']).default('before') }),
  /** A reset after the message took effect: the acknowledgement is lost. */
  z.strictObject({ type: z.literal('resetAfter') }),
  /** Orderly close without an answer. */
  z.strictObject({ type: z.literal('fin'), where: beforeOrAfter.default('before') }),
  /** The answer, a few bytes at a time. */
  z.strictObject({ type: z.literal('slowDrip'), bytes: bytes.default(1), everyMs: milliseconds.default(100) }),
  /** So many bytes of the answer, then the end of the connection. */
  z.strictObject({ type: z.literal('partial'), bytes: z.number().int().min(0).default(10) }),
  /** Half of the first frame of the answer; the rest after a pause, or, without one, never. */
  z.strictObject({ type: z.literal('partialFrame'), pauseMs: milliseconds.optional() }),
  /** From then on, everything on the connection in pieces of so many bytes. */
  z.strictObject({ type: z.literal('splitFrames'), bytes: bytes.default(1) }),
  /** The first frame of the answer is none. */
  z.strictObject({
    type: z.literal('malformed'),
    mode: z.enum(['truncate', 'garbage', 'wrongLength', 'negative', 'huge', 'long', 'empty']).default('truncate'),
  }),
  /** Works for `upMs`, then fails for `downMs`, and so on. */
  z.strictObject({
    type: z.literal('flap'),
    upMs: milliseconds.default(5_000),
    downMs: milliseconds.default(5_000),
    downAction: z.enum(['hang', 'reset']).default('reset'),
  }),
  /** Market data that old. */
  z.strictObject({ type: z.literal('stale'), ageMs: milliseconds.default(900_000) }),
  /** The order is executed, or it is not, and its client is never told. */
  z.strictObject({ type: z.literal('dropAck'), where: beforeOrAfter.default('after') }),
  /** Of the order, only executions are told. */
  z.strictObject({ type: z.literal('dropStatus') }),
  /** Whatever is told of the order's state is told so many times. */
  z.strictObject({ type: z.literal('dupStatus'), times: z.number().int().min(2).max(100).default(3) }),
  /** The order's first execution is told before its acknowledgement. */
  z.strictObject({ type: z.literal('reorder') }),
  /** The connection ends as an order arrives, before or after it was executed. */
  z.strictObject({ type: z.literal('dieOnSubmit'), where: beforeOrAfter.default('after') }),
  /** The order is refused: error 201. */
  z.strictObject({ type: z.literal('reject'), reason: z.string().max(500).default('not today') }),
  /** The order is refused with an error of the contract (200) or of permissions (460). */
  z.strictObject({ type: z.literal('orderError'), code: z.literal([200, 460]).default(200) }),
  /** A cancellation is answered with an error instead of being done; `none`: it is done, and nothing is told. */
  z.strictObject({
    type: z.literal('cancelReply'),
    reply: z.literal([135, 161, 10147, 10148, 'none']).default(10147),
  }),
  /** The client never learns an order id, and so may send nothing. */
  z.strictObject({ type: z.literal('noNextValidId') }),
  /** Error 326, and the end of the connection. */
  z.strictObject({ type: z.literal('clientIdInUse') }),
  /** TWS loses Interactive Brokers (1100) for so long, then has it back: without data (1101), or with (1102). */
  z.strictObject({
    type: z.literal('1100'),
    forMs: milliseconds.default(5_000),
    restoredAs: z.literal([1101, 1102]).default(1102),
  }),
  /** TWS is gone for so long: connections end, new ones are refused. */
  z.strictObject({ type: z.literal('restart'), forMs: milliseconds.default(1_000) }),
  /** After a restart the ids begin with the first one that was not booked, less so many. */
  z.strictObject({ type: z.literal('rollbackNextValidId'), by: z.number().int().min(0).max(10_000).default(0) }),
  /** Another limit of messages a second, and another patience. */
  z.strictObject({
    type: z.literal('pacing'),
    limit: z.number().int().min(1).max(1e6).default(50),
    violationsBeforeDisconnect: z.number().int().min(1).max(1e6).default(3),
  }),
  /** A notice like 2103 (a farm is gone), 2104 (it is back), 2110 or 1300. */
  z.strictObject({
    type: z.literal('notice'),
    code: z.number().int().min(1).max(99_999),
    message: z.string().optional(),
  }),
] as const

/** The types of actions, for the message that names them. */
const TYPES = [
  ...['latency', 'hang', 'reset', 'resetAfter', 'fin', 'slowDrip', 'partial', 'partialFrame', 'splitFrames'],
  ...['malformed', 'flap', 'stale', 'dropAck', 'dropStatus', 'dupStatus', 'reorder', 'dieOnSubmit', 'reject'],
  ...['orderError', 'cancelReply', 'noNextValidId', 'clientIdInUse', '1100', 'restart', 'rollbackNextValidId'],
  ...['pacing', 'notice'],
]

const match = z.strictObject({
  /** The message's number: 3 is an order, 4 a cancellation, 71 the start of a session. */
  msgId: z.number().int().min(1).max(1_000).optional(),
  clientId: z.number().int().min(0).optional(),
  /** A regular expression on the order reference. */
  orderRef: pattern.optional(),
  ...occurrence,
})

const rule = z.strictObject({
  id: ruleId,
  match: match.prefault({}),
  action: z.discriminatedUnion('type', actions, oneOf('type', TYPES)),
})

/** One rule, complete. */
export type TwsFaultRule = z.output<typeof rule>
/** One rule as a user writes it: only `action.type` is needed. */
export type TwsFaultRuleInput = z.input<typeof rule>
/** What a rule does. */
export type TwsFaultAction = TwsFaultRule['action']

/** Checks a rule or a list of rules. @throws InvalidRuleError that names the field, its value and the rule it breaks */
export function parseTwsRules(input: unknown): TwsFaultRule[] {
  return Array.isArray(input) ? checked(z.array(rule), input, 'rules') : [checked(rule, input, 'rule')]
}

/** The part of a message that rules look at. */
export interface TwsFaultSubject {
  readonly msgId: number
  readonly clientId: number | undefined
  readonly orderRef: string
}

/** Actions that make sense for one kind of message only. */
const ONLY_FOR: Readonly<Partial<Record<TwsFaultAction['type'], number>>> = {
  dropAck: REQUEST.PLACE_ORDER,
  dropStatus: REQUEST.PLACE_ORDER,
  dupStatus: REQUEST.PLACE_ORDER,
  reorder: REQUEST.PLACE_ORDER,
  dieOnSubmit: REQUEST.PLACE_ORDER,
  reject: REQUEST.PLACE_ORDER,
  orderError: REQUEST.PLACE_ORDER,
  cancelReply: REQUEST.CANCEL_ORDER,
  noNextValidId: REQUEST.START_API,
  clientIdInUse: REQUEST.START_API,
}

/** Actions that happen to the server: at once when they are set, unless the rule waits for a message. */
export type ServerEvent = Extract<TwsFaultAction, { type: '1100' | 'restart' | 'notice' }>

export function isServerEvent(action: TwsFaultAction): action is ServerEvent {
  return action.type === '1100' || action.type === 'restart' || action.type === 'notice'
}

/** Whether a rule is about the moment at which it is set, and not about messages. */
export function isImmediate({ match, action }: TwsFaultRule): boolean {
  return isServerEvent(action) && match.msgId === undefined && match.orderRef === undefined
}

/** How rules are read. */
export const TWS_FAULTS: FaultLanguage<TwsFaultRule, TwsFaultSubject> = {
  concerns: (rule, subject, ageMs) => {
    const { match, action } = rule
    if (isImmediate(rule)) return false
    if (action.type === 'flap') {
      if (ageMs % (action.upMs + action.downMs) < action.upMs) return false
    } else if ((action.type === 'reset' && action.where === 'accept') !== (subject.msgId === CONNECTING)) {
      return false
    }
    if (subject.msgId !== CONNECTING && match.msgId !== undefined && match.msgId !== subject.msgId) return false
    const only = ONLY_FOR[action.type]
    if (only !== undefined && only !== subject.msgId) return false
    if (match.clientId !== undefined && match.clientId !== subject.clientId) return false
    return match.orderRef === undefined || new RegExp(match.orderRef).test(subject.orderRef)
  },
  standing: ['pacing', 'rollbackNextValidId'],
}
