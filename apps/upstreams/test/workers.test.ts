import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { Workers } from '../src/workers.ts'

/** Workers, and which requests are done so far. */
function start(count: number, { minMs = 100, maxMs = 100 } = {}) {
  const clock = new VirtualClock()
  const workers = new Workers({ count, minMs, maxMs }, clock, () => 0.5)
  const done: string[] = []
  const ask = async (name: string, extraMs = 0): Promise<() => void> => {
    const release = await workers.work(extraMs)
    done.push(name)
    return release
  }
  return { clock, ask, done }
}

describe('workers', () => {
  it('take so many requests at a time, the others in the order of their arrival', async () => {
    const { clock, ask, done } = start(2)
    const working = ['a', 'b', 'c', 'd'].map((name) => ask(name).then((release) => release()))
    await clock.advance(100)
    expect(done).toEqual(['a', 'b'])
    await clock.advance(100)
    expect(done).toEqual(['a', 'b', 'c', 'd'])
    await Promise.all(working)
  })

  it('take as long as chance says, and longer when told so', async () => {
    const { clock, ask, done } = start(2, { minMs: 100, maxMs: 300 })
    void ask('usual')
    void ask('slow', 50)
    await clock.advance(199)
    expect(done).toEqual([])
    await clock.advance(1)
    expect(done).toEqual(['usual'])
    await clock.advance(50)
    expect(done).toEqual(['usual', 'slow'])
  })

  it('are busy until they are released, once', async () => {
    const { clock, ask, done } = start(1)
    const first = ask('a')
    void ask('b')
    void ask('c')
    await clock.advance(1_000)
    expect(done).toEqual(['a'])
    const release = await first
    release()
    release()
    await clock.advance(1_000)
    expect(done).toEqual(['a', 'b'])
  })
})
