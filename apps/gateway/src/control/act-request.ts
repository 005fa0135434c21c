/** What may be asked for, checked. */
import type { ActRequest } from '@holdfast/console/api'
import { z } from 'zod'

/** The longest that anything can be set for, in milliseconds: a week. */
const LONGEST_MS = 7 * 86_400_000

const reason = z
  .string('say why: a reason of 3 to 500 characters')
  .trim()
  .min(3, 'say why: a reason of 3 to 500 characters')
  .max(500, 'say why in 500 characters at most')
const service = z.string().min(1).max(200)
const forMs = z.number().int().min(1_000, 'it must be at least 1 s').max(LONGEST_MS, 'it must be at most a week')
const fault = z.enum(['hang', 'reset', 'errors', 'slow', 'throttle', 'garbage', 'flap'])

/** The body of `POST /v1/resilience/acts`. */
export const actRequest: z.ZodType<ActRequest> = z.discriminatedUnion('act', [
  z.strictObject({ act: z.enum(['trip', 'disable']), service, reason, forMs: forMs.optional() }),
  z.strictObject({ act: z.literal('pause'), service, reason, forMs }),
  z.strictObject({ act: z.enum(['reset', 'restore-limit', 'restore-slots']), service, reason }),
  z.strictObject({
    act: z.literal('set-limit'),
    service,
    reason,
    forMs,
    tokensPerSecond: z.number().positive().max(1e9),
    burstSize: z.number().min(1).max(1e9).optional(),
  }),
  z.strictObject({
    act: z.literal('set-slots'),
    service,
    reason,
    forMs,
    maxConcurrent: z.number().int().min(1).max(1e6),
  }),
  z.strictObject({ act: z.enum(['stop-orders', 'allow-orders']), reason }),
  z.strictObject({ act: z.literal('inject-fault'), upstream: service, fault, forMs, reason }),
  z.strictObject({ act: z.literal('clear-faults'), upstream: service, reason }),
])
