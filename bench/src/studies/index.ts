import type { Study } from '../study.ts'
import { edges } from './edges/edges.ts'
import { garbage } from './garbage.ts'
import { http } from './http.ts'
import { keyedLimiter } from './keyed-limiter.ts'
import { size } from './size.ts'
import { storm } from './storm.ts'

/** Everything that is measured otherwise than by the time of a call, in the order of the summary. */
export const STUDIES: readonly Study[] = [storm, keyedLimiter, http, edges, garbage, size]
