/** A process is killed with the one thing in hand that the fleet has one of: the others get it, and not before. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, type TestContext, vi } from 'vitest'
import { connectFleet, fleetCircuitBreaker, fleetSemaphore } from '../../src/index.ts'
import { CIRCUIT, SLOTS } from '../support/held.ts'
import { redisServer } from '../support/server.ts'

/** Starts a process that takes it; `holding` settles when it has it. */
function holder(
  test: TestContext,
  url: string,
  what: 'slot' | 'probe',
): { child: ChildProcess; holding: Promise<unknown> } {
  const program = fileURLToPath(new URL('../support/holder.ts', import.meta.url))
  const args = ['--conditions=development', program, url, what]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  test.onTestFinished(() => void child.kill('SIGKILL'))
  return { child, holding: once(child.stdout, 'data') }
}

async function member(test: TestContext, url: string) {
  const fleet = await connectFleet({ redis: url })
  test.onTestFinished(() => fleet.close())
  return fleet
}

describe.concurrent('a process that is killed', { timeout: 120_000 }, () => {
  it('with a slot in hand frees it when its lease lapses', async (test) => {
    const { url } = await redisServer(test)
    const semaphore = fleetSemaphore(await member(test, url), 'stream', SLOTS)
    const { child, holding } = holder(test, url, 'slot')
    await holding
    const got = semaphore.acquire()
    await vi.waitFor(() => expect(semaphore.snapshot().heldByAll).toBe(1), { timeout: 10_000 })
    expect(semaphore.snapshot().held).toBe(0)
    child.kill('SIGKILL')
    await got
    expect(semaphore.snapshot()).toMatchObject({ held: 1 })
  })

  it('with the probe in hand frees it when its lease lapses', async (test) => {
    const { url } = await redisServer(test)
    const members = await Promise.all([member(test, url), member(test, url)])
    const breakers = members.map((fleet) => fleetCircuitBreaker(fleet, 'alpaca', CIRCUIT))
    const { child, holding } = holder(test, url, 'probe')
    for (const breaker of breakers) {
      await breaker.execute(() => Promise.reject(new Error('socket hang up'))).catch(() => undefined)
    }
    await holding
    // The one probe of the fleet is out: everybody else is refused.
    const answers = await Promise.allSettled(breakers.map((breaker) => breaker.execute(() => 'account')))
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    child.kill('SIGKILL')
    await vi.waitFor(async () => expect(await breakers[0]?.execute(() => 'account')).toBe('account'), {
      timeout: 20_000,
      interval: 20,
    })
  })
})
