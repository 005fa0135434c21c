/** What it costs at least to stand round a call, whoever does it: by hand, with nothing in it but what learns of the outcome. */
import type { Contestant } from '../suite.ts'
import { answer } from './service.ts'

/** Where nothing can end a call early: what `then` returns is the answer. */
export const oneThen: Contestant = {
  name: 'by hand: one then',
  prepare: () => {
    const onFulfilled = (value: number): number => value
    const onRejected = (error: unknown): never => {
      throw error
    }
    const execute = (fn: () => Promise<number>): Promise<number> => fn().then(onFulfilled, onRejected)
    return { call: () => execute(answer) }
  },
}

/** Where something can: a promise of the call's own, settled from outside. */
export const ownPromise: Contestant = {
  name: 'by hand: a promise',
  prepare: () => {
    const execute = (fn: () => Promise<number>): Promise<number> =>
      new Promise((resolve, reject) => {
        fn().then(resolve, reject)
      })
    return { call: () => execute(answer) }
  },
}
