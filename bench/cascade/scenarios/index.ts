import type { Case } from '../case.ts'
import { badShard, clientErrors, lostAcknowledgement, partial } from './grey.ts'
import { blackhole, clock, flapping, longOutage, refused, slow } from './outages.ts'
import { limitAndBan, priority, slowButHealthy, spike } from './overload.ts'
import { blips, crowd, grey, maintenance, slowClient, stalls, tightTimeout, weakComeback } from './own.ts'

/** Every case, in the order of the report. */
export const CASES: readonly Case[] = [
  refused,
  blackhole,
  slow,
  partial,
  badShard,
  limitAndBan,
  flapping,
  spike,
  slowButHealthy,
  lostAcknowledgement,
  priority,
  clock,
  longOutage,
  clientErrors,
  tightTimeout,
  blips,
  stalls,
  crowd,
  grey,
  slowClient,
  weakComeback,
  maintenance,
]
