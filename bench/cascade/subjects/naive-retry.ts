import { setTimeout as sleep } from 'node:timers/promises'
import type { Subject } from '@holdfast/testing'
import { BASE_DELAY_MS, MAX_RETRIES } from './common.ts'

/** What is written in a hurry: a time limit, and three more tries for whatever fails. */
export const naiveRetry: Subject = {
  name: 'naive retry',
  make:
    ({ services }) =>
    async ({ route }, connection) => {
      const timeoutMs = services[route.upstream]?.attemptTimeoutMs ?? 1_000
      for (let attempt = 0; ; attempt++) {
        try {
          return await connection.send(AbortSignal.timeout(timeoutMs))
        } catch (error) {
          if (attempt === MAX_RETRIES) throw error
          await sleep(BASE_DELAY_MS)
        }
      }
    },
}
