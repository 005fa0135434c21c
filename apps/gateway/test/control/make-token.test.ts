import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { TokenBook } from '../../src/access/tokens.ts'

const PROGRAM = fileURLToPath(new URL('../../src/access/make-token.ts', import.meta.url))

/** Runs `npm run token` with these words. */
function run(...words: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=development', PROGRAM, ...words], {
    encoding: 'utf8',
  })
  return { status, stdout, stderr }
}

describe('npm run token', () => {
  it('prints a token, and the entry that makes it good', () => {
    const { status, stdout } = run('alice', 'operator')
    const [, token = '', entry = ''] = /for alice alone: +(\S+)\n.*CONTROL_TOKENS: +(\S+)\n$/.exec(stdout) ?? []
    expect(status).toBe(0)
    expect(entry).not.toContain(token)
    expect(new TokenBook(entry).identify(token)).toEqual({ name: 'alice', role: 'operator' })
  })

  it.each([
    [['alice', 'boss'], /^say a name and a role: npm run token -- alice viewer\|operator\|admin\n$/],
    [[], /^say a name and a role/],
    [['', 'viewer'], /^an entry that begins with ":viewer:/],
  ])('says in one line what is wrong with %j', (words, message) => {
    const { status, stdout, stderr } = run(...words)
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(message)
  })
})
