/** Which process this is, and whether another one still lives. */
import { readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import process from 'node:process'
import type { Owner } from './journal-command.ts'

/** This process, as others can recognise it. */
export function thisProcess(): Owner {
  return { host: hostname(), pidSpace: pidSpace(), pid: process.pid }
}

/** Whether a process still runs; undefined when that cannot be told from here. */
export function isAlive(owner: Owner): boolean | undefined {
  const { host, pidSpace: space } = thisProcess()
  if (owner.host !== host || owner.pidSpace !== space) return undefined
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    // EPERM says that there is one, of somebody else.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** Processes in different containers may have the same number: Linux tells which numbering it is. */
function pidSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    // No Linux: numbers are those of the host.
    return 'host'
  }
}
