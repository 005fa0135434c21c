import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { InvalidConfigError } from '@holdfast/gateway'
import { VirtualClock } from '@holdfast/testing'
import { afterAll, describe, expect, it } from 'vitest'
import { readApiKeys } from '../src/api-keys.ts'
import { startWorld } from './support.ts'

const folder = mkdtempSync(join(tmpdir(), 'holdfast-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))

function fileOf(text: string): string {
  const path = join(folder, 'keys.json')
  writeFileSync(path, text)
  return path
}

describe('the file of API keys', () => {
  it('gives each its own limit, or the one that every client has', async () => {
    const path = fileOf('{ "desk-7": { "tokensPerSecond": 0.1, "burstSize": 2 }, "desk-8": true }')
    const { ask } = await startWorld({
      limits: {
        perClient: { tokensPerSecond: 0.1, burstSize: 1 },
        apiKeys: readApiKeys(path),
        clock: new VirtualClock(),
      },
    })
    const statuses: number[] = []
    for (const key of ['desk-7', 'desk-7', 'desk-7', 'desk-8', 'desk-8', 'made-up', 'also-made-up']) {
      statuses.push((await ask('/healthz', { headers: { 'x-api-key': key } })).status)
    }
    expect(statuses).toEqual([200, 200, 429, 200, 429, 200, 429])
  })

  it.each([
    ['{ "desk-7": }', /it is no JSON$/],
    ['[]', /it must be an object of keys/],
    ['{ "desk-7": 5 }', /it must be an object of keys/],
    ['{ "desk-7": { "tokensPerSecond": 0 } }', /figures above 0/],
    ['{ "desk-7": { "tokensPerSecond": 1, "burst": 3 } }', /it must be an object of keys/],
  ])('that says %s is an error that names no key', (text, message) => {
    const read = () => readApiKeys(fileOf(text))
    expect(read).toThrowError(InvalidConfigError)
    expect(read).toThrowError(message)
    expect(read).not.toThrowError(/desk/)
  })

  it('that is not there is an error that says so', () => {
    expect(() => readApiKeys(join(folder, 'nowhere.json'))).toThrowError(/nowhere\.json": it cannot be read \(ENOENT\)/)
  })
})
