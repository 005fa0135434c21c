/** The API keys that were given out, and what each may ask, from a file. */
import { readFileSync } from 'node:fs'
import type { RateLimit } from 'holdfast'
import { z } from 'zod'
import { InvalidConfigError } from './config.ts'

const limit = z.strictObject({
  tokensPerSecond: z.number().min(0.001).max(1e9),
  burstSize: z.number().min(1).max(1e9).exactOptional(),
})

const apiKeys = z.record(z.string().min(1).max(200), z.union([z.literal(true), limit]))

/**
 * Reads a file of keys, each with its limit, or `true` for the one that every client has:
 * `{ "key-of-desk-7": { "tokensPerSecond": 50, "burstSize": 100 }, "another": true }`.
 *
 * @throws InvalidConfigError that names the file and the rule, and no key
 */
export function readApiKeys(path: string): Readonly<Record<string, RateLimit | true>> {
  const read = apiKeys.safeParse(parse(path, textOf(path)))
  if (read.success) return read.data
  const rule =
    'it must be an object of keys, each true or { "tokensPerSecond": …, "burstSize": … } with figures above 0'
  throw new InvalidConfigError(`API_KEYS_FILE is ${JSON.stringify(path)}: ${rule}`)
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? error.code : error
    throw new InvalidConfigError(`API_KEYS_FILE is ${JSON.stringify(path)}: it cannot be read (${why})`, {
      cause: error,
    })
  }
}

function parse(path: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The parser's own words would show a part of the file, and with it keys.
    throw new InvalidConfigError(`API_KEYS_FILE is ${JSON.stringify(path)}: it is no JSON`)
  }
}
