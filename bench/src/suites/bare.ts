import type { Contestant } from '../suite.ts'
import { answer, FAILURE } from './service.ts'

/** `await answer()`, and nothing round it. */
export const bareCall: Contestant = { name: 'bare call', prepare: () => ({ call: () => answer() }) }

/** The cheapest way to say no. */
export const bareRejection: Contestant = {
  name: 'Promise.reject(shared error)',
  prepare: () => ({ call: () => Promise.reject(FAILURE) }),
}
