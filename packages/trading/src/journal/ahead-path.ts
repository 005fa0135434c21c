/** Where the log of an ownership is, and how it is taken from its owner. */
import { Buffer } from 'node:buffer'
import { readFileSync, renameSync, rmSync } from 'node:fs'

/**
 * Every ownership has a log of its own: who was asleep while another took the account over writes into one that nobody reads.
 *
 * @param journal path of the database
 */
export function aheadPath(journal: string, account: string, epoch: number): string {
  return `${journal}-ahead-${encodeURIComponent(account)}-${epoch}`
}

/**
 * Takes a log away and reads it. Whoever writes to it looks, after every write, whether it is still in its place: what he
 * has told anybody until now is therefore in it, and from now on he tells nobody anything.
 */
export function takeLog(path: string): Buffer {
  ifThere(() => renameSync(path, takenPath(path)))
  // It may have been taken by somebody who died before he was done.
  return ifThere(() => readFileSync(takenPath(path))) ?? Buffer.alloc(0)
}

/** Removes a log that was taken, once the database has what is in it. */
export function removeTakenLog(path: string): void {
  try {
    rmSync(takenPath(path), { force: true })
  } catch {
    // It is in nobody's way.
  }
}

function takenPath(path: string): string {
  return `${path}-taken`
}

function ifThere<T>(act: () => T): T | undefined {
  try {
    return act()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}
