import fc from 'fast-check'
import { SingleFlight } from 'holdfast'
import { describe, expect, it } from 'vitest'

/** A call that ends when the test says so. */
function controlled<T>() {
  const calls: { readonly signal: AbortSignal; resolve(value: T): void; reject(error: unknown): void }[] = []
  const fn = (signal: AbortSignal): Promise<T> =>
    new Promise((resolve, reject) => {
      calls.push({ signal, resolve, reject })
    })
  return { calls, fn }
}

describe('callers who ask for the same', () => {
  it('share one call and its answer', async () => {
    const { calls, fn } = controlled<string>()
    const flights = new SingleFlight<string>()
    const answers = [flights.run('AAPL', fn), flights.run('AAPL', fn), flights.run('AAPL', fn)]
    expect(calls).toHaveLength(1)
    calls[0]?.resolve('quote')
    expect(await Promise.all(answers)).toEqual(['quote', 'quote', 'quote'])
    expect(flights.size).toBe(0)
  })

  it('share its failure, too', async () => {
    const { calls, fn } = controlled<string>()
    const flights = new SingleFlight<string>()
    const answers = [flights.run('AAPL', fn), flights.run('AAPL', fn, { signal: new AbortController().signal })]
    const error = new Error('no')
    calls[0]?.reject(error)
    expect(await Promise.allSettled(answers)).toEqual([
      { status: 'rejected', reason: error },
      { status: 'rejected', reason: error },
    ])
    expect(flights.size).toBe(0)
  })

  it('start another once it has ended: nothing is kept', async () => {
    const flights = new SingleFlight<number>()
    let calls = 0
    const count = (): number => ++calls
    expect(await flights.run('AAPL', count)).toBe(1)
    expect(await flights.run('AAPL', count)).toBe(2)
  })

  it('get the error of a function that throws synchronously', async () => {
    const flights = new SingleFlight<number>()
    const error = new Error('at once')
    await expect(
      flights.run('AAPL', () => {
        throw error
      }),
    ).rejects.toBe(error)
    expect(flights.size).toBe(0)
  })
})

it('callers who ask for different things have calls of their own', () => {
  const { calls, fn } = controlled<string>()
  const flights = new SingleFlight<string>()
  void flights.run('AAPL', fn)
  void flights.run('__proto__', fn)
  expect(calls).toHaveLength(2)
})

describe('a caller who gives up', () => {
  it('is answered at once, and the others wait on', async () => {
    const { calls, fn } = controlled<string>()
    const flights = new SingleFlight<string>()
    const controller = new AbortController()
    const impatient = flights.run('AAPL', fn, { signal: controller.signal })
    const patient = flights.run('AAPL', fn, { signal: new AbortController().signal })
    controller.abort('enough')
    await expect(impatient).rejects.toBe('enough')
    expect(calls[0]?.signal.aborted).toBe(false)
    calls[0]?.resolve('quote')
    expect(await patient).toBe('quote')
  })

  it('ends the call when nobody else waits, and the next gets one of his own', async () => {
    const { calls, fn } = controlled<string>()
    const flights = new SingleFlight<string>()
    const controller = new AbortController()
    const given = flights.run('AAPL', fn, { signal: controller.signal })
    controller.abort('enough')
    await expect(given).rejects.toBe('enough')
    expect(calls[0]?.signal.aborted).toBe(true)
    const next = flights.run('AAPL', fn)
    expect(calls).toHaveLength(2)
    calls[0]?.reject(new Error('late'))
    calls[1]?.resolve('quote')
    expect(await next).toBe('quote')
  })

  it('before he begins starts nothing', async () => {
    const { calls, fn } = controlled<string>()
    await expect(new SingleFlight<string>().run('AAPL', fn, { signal: AbortSignal.abort('no') })).rejects.toBe('no')
    expect(calls).toHaveLength(0)
  })
})

it('never has two calls for one key under way, and forgets every one, whatever callers do', async () => {
  const action = fc.record({
    key: fc.constantFrom('A', 'B', 'C'),
    what: fc.constantFrom('ask', 'ask with a signal', 'give up', 'answer', 'fail'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const flights = new SingleFlight<string>()
      const open = new Map<
        string,
        { signal: AbortSignal; resolve(value: string): void; reject(error: unknown): void }[]
      >()
      const controllers: { key: string; controller: AbortController }[] = []
      const asked: Promise<unknown>[] = []
      const fn = (key: string) => (signal: AbortSignal) =>
        new Promise<string>((resolve, reject) => {
          const calls = open.get(key) ?? []
          expect(calls.every((call) => call.signal.aborted)).toBe(true)
          open.set(key, [...calls, { signal, resolve, reject }])
        })
      for (const { key, what } of actions) {
        if (what === 'ask') asked.push(flights.run(key, fn(key)).catch(String))
        if (what === 'ask with a signal') {
          const controller = new AbortController()
          controllers.push({ key, controller })
          asked.push(flights.run(key, fn(key), { signal: controller.signal }).catch(String))
        }
        if (what === 'give up') controllers.find((one) => one.key === key)?.controller.abort('enough')
        if (what === 'answer') for (const call of open.get(key) ?? []) call.resolve('answer')
        if (what === 'fail') for (const call of open.get(key) ?? []) call.reject(new Error('failed'))
        if (what === 'answer' || what === 'fail') {
          open.delete(key)
          await Promise.resolve()
          await Promise.resolve()
        }
      }
      for (const call of [...open.values()].flat()) call.resolve('answer')
      await Promise.all(asked)
      expect(flights.size).toBe(0)
    }),
  )
})
