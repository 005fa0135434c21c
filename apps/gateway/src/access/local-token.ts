import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeToken } from './tokens.ts'

/** Whether a host can be reached from this machine only. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host)
}

/**
 * The token of the local run, so that there is nothing to configure on one's own machine. It is made once for a folder and
 * kept in a file that only its owner can read; so a page stays signed in when the gateway is restarted.
 */
export function localToken(folder: string): string {
  const path = join(folder, 'local-token')
  if (existsSync(path)) {
    const kept = readFileSync(path, 'utf8').trim()
    if (/^[A-Za-z0-9_-]{43}$/.test(kept)) return kept
  }
  const token = makeToken()
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(path, `${token}\n`, { mode: 0o600 })
  return token
}
