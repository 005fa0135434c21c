/** The language of faults of the upstreams that speak HTTP: what a rule may say, checked when it arrives. */
import { z } from 'zod'
import { checked, InvalidRuleError } from '../checked-input.ts'
import { hasAgreed } from '../yahoo/consent-routes.ts'
import type { FaultLanguage } from './fault-book.ts'
import { beforeOrAfter, latency, milliseconds, occurrence, oneOf, pattern, ruleId } from './occurrence.ts'

// 999 is how Yahoo's edge turns clients away.
const status = z.union([z.number().int().min(200).max(599), z.literal(999)], {
  error: 'it must be a status from 200 to 599, or 999',
})

const TYPES = [
  'latency',
  'hang',
  'reset',
  'resetAfter',
  'fin',
  'status',
  'rate429',
  'slowDrip',
  'malformed',
  'partial',
  'flap',
  'ban',
  'stale',
  'drift',
  'stream',
  'rejectLater',
  'rotateCrumb',
  'badCrumb200',
  'consent',
  'spurious400ApiKey',
]

/** Actions of one upstream only. */
const ONLY_AT: Readonly<Partial<Record<string, string>>> = {
  rejectLater: 'alpaca',
  rotateCrumb: 'yahoo',
  badCrumb200: 'yahoo',
  consent: 'yahoo',
  spurious400ApiKey: 'fred',
}

const action = z.discriminatedUnion(
  'type',
  [
    latency,
    /** Never answers; the socket stays open until the client gives up. */
    z.strictObject({ type: z.literal('hang'), where: beforeOrAfter.default('before') }),
    /** TCP reset. */
    z.strictObject({
      type: z.literal('reset'),
      where: z.enum(['accept', 'headers', 'before', 'after']).default('before'),
    }),
    /** A reset after the request took effect: the acknowledgement is lost. */
    z.strictObject({ type: z.literal('resetAfter') }),
    /** Orderly close without an answer. */
    z.strictObject({ type: z.literal('fin'), where: beforeOrAfter.default('before') }),
    /** Another status; `executed` says whether the request took effect. */
    z.strictObject({
      type: z.literal('status'),
      code: status,
      body: z.unknown().optional(),
      headers: z.record(z.string(), z.string()).default({}),
      executed: z.boolean().default(false),
    }),
    /** 429, whatever the real rate. */
    z.strictObject({
      type: z.literal('rate429'),
      retryAfterSec: z.number().min(0).max(3_600).default(1),
      resetInSec: z.number().min(0).max(3_600).optional(),
      header: z.enum(['retry-after', 'x-ratelimit', 'none', 'http-date', 'garbage']).default('retry-after'),
    }),
    /** The answer, a few bytes at a time. */
    z.strictObject({
      type: z.literal('slowDrip'),
      bytes: z.number().int().min(1).default(1),
      everyMs: milliseconds.default(100),
    }),
    /** An answer, usually a 200, with a body that is none, or is called what it is not. */
    z.strictObject({
      type: z.literal('malformed'),
      mode: z
        .enum(['truncate', 'garbage', 'html', 'empty', 'nullJson', 'wrongType', 'wrongContentType'])
        .default('truncate'),
      code: status.optional(),
    }),
    /** So many bytes of the answer, announced in full, then the socket is destroyed. */
    z.strictObject({
      type: z.literal('partial'),
      bytes: z.number().int().min(0).default(10),
      contentLength: z.literal('full').default('full'),
    }),
    /** Works for `upMs`, then fails for `downMs`, and so on. */
    z.strictObject({
      type: z.literal('flap'),
      upMs: milliseconds.default(5_000),
      downMs: milliseconds.default(5_000),
      downAction: z.enum(['hang', 'reset', 'status503']).default('reset'),
    }),
    /**
     * Who goes over the limit `afterViolations` times `withinMs` is answered with `status` for `forMs`; with `extends`, for so
     * long after the last request.
     */
    z.strictObject({
      type: z.literal('ban'),
      afterViolations: z.number().int().min(1).default(1),
      withinMs: milliseconds.default(60_000),
      forMs: milliseconds.default(60_000),
      status: status.default(418),
      extends: z.boolean().default(false),
    }),
    /** Market data that old. */
    z.strictObject({ type: z.literal('stale'), ageMs: milliseconds.default(900_000) }),
    /** The schema has drifted: a field of the answer is gone, or has another name. */
    z
      .strictObject({
        type: z.literal('drift'),
        drop: z.string().optional(),
        rename: z.record(z.string(), z.string()).default({}),
      })
      .refine(({ drop, rename }) => drop !== undefined || Object.keys(rename).length > 0, {
        error: 'it must say which field to drop or to rename',
      }),
    /** What befalls a message over a web socket: the rule's path is that of the socket and the message's name. */
    z.strictObject({
      type: z.literal('stream'),
      effect: z.enum(['drop', 'delay', 'duplicate', 'reorder', 'disconnect', 'stall']),
      ms: milliseconds.default(1_000),
    }),
    /** Alpaca: the exchange turns the order down after Alpaca took it. */
    z.strictObject({ type: z.literal('rejectLater') }),
    /** Yahoo: from now on other crumbs; those given out are no longer good. */
    z.strictObject({ type: z.literal('rotateCrumb') }),
    /** Yahoo: a crumb is answered with a complaint that has the status of a crumb. */
    z.strictObject({
      type: z.literal('badCrumb200'),
      text: z.enum(['Too Many Requests', 'Edge: Too Many Requests']).default('Too Many Requests'),
    }),
    /** Yahoo: visitors who have not agreed yet are asked to, before they are given cookies, as in Europe. */
    z.strictObject({ type: z.literal('consent') }),
    /** FRED: a good key is called unknown. */
    z.strictObject({ type: z.literal('spurious400ApiKey') }),
  ],
  oneOf('type', TYPES),
)

const match = z.strictObject({
  method: z.string().max(10).optional(),
  path: pattern.optional(),
  /** The host that the client meant: header `x-orig-host`, else `host`. */
  host: z.string().max(200).optional(),
  header: z.record(z.string(), z.string()).default({}),
  ...occurrence,
})

const rule = z.strictObject({
  id: ruleId,
  match: match.prefault({}),
  action,
})

/** One rule, complete. */
export type FaultRule = z.output<typeof rule>
/** One rule as a user writes it: only `action.type` is needed. */
export type FaultRuleInput = z.input<typeof rule>
/** What a rule does. */
export type FaultAction = FaultRule['action']

/**
 * Checks a rule or a list of rules for an upstream.
 *
 * @throws InvalidRuleError that names the field, its value and the rule it breaks
 */
export function parseRules(input: unknown, upstream: string): FaultRule[] {
  const rules = Array.isArray(input) ? checked(z.array(rule), input, 'rules') : [checked(rule, input, 'rule')]
  for (const { action } of rules) {
    const only = ONLY_AT[action.type]
    if (only !== undefined && only !== upstream) {
      throw new InvalidRuleError(`action.type is "${action.type}": only ${only} has it, not ${upstream}`)
    }
  }
  return rules
}

/** The method that rules see of messages that are told over a web socket. */
export const MESSAGE = 'MESSAGE'

/** The part of a request that rules look at. */
export interface FaultSubject {
  readonly method: string
  /** Without the query: a rule for `/v2/account$` means it with every query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
}

/** How rules of HTTP are read. */
export const HTTP_FAULTS: FaultLanguage<FaultRule, FaultSubject> = {
  concerns: ({ match, action }, subject, ageMs) => {
    if ((action.type === 'stream') !== (subject.method === MESSAGE)) return false
    if (match.method !== undefined && match.method.toUpperCase() !== subject.method) return false
    if (match.path !== undefined && !new RegExp(match.path).test(subject.path)) return false
    if (match.host !== undefined && match.host !== hostOf(subject)) return false
    if (action.type === 'badCrumb200' && !subject.path.endsWith('/getcrumb')) return false
    if (action.type === 'consent' && !(subject.path.startsWith('/quote/') && !hasAgreed(subject.headers.cookie)))
      return false
    if (!Object.entries(match.header).every(([name, value]) => subject.headers[name.toLowerCase()] === value))
      return false
    return action.type !== 'flap' || ageMs % (action.upMs + action.downMs) >= action.upMs
  },
  standing: ['ban'],
}

function hostOf({ headers }: FaultSubject): string {
  return String(headers['x-orig-host'] ?? headers.host ?? '')
}
