/** Where the log of an ownership is. */
import { rmSync } from 'node:fs'

/**
 * Every ownership has a log of its own: who was asleep while another took the account over writes into one that nobody reads.
 *
 * @param journal path of the database
 */
export function aheadPath(journal: string, account: string, epoch: number): string {
  return `${journal}-ahead-${encodeURIComponent(account)}-${epoch}`
}

/** Removes the log of the owner before, whose content the database has. @param epoch of the present owner */
export function removeFormerLog(journal: string, account: string, epoch: number): void {
  try {
    rmSync(aheadPath(journal, account, epoch - 1), { force: true })
  } catch {
    // It is in nobody's way.
  }
}
