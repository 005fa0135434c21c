/** What the caller of a bare SDK gets, in a few words: those of the tables in docs/upstream-faults.md. */
import { at } from '../support.ts'

/** What came of a call. @param isWhole whether a value is the answer that was asked for */
export async function outcomeOf(call: () => Promise<unknown>, isWhole: (value: unknown) => boolean): Promise<string> {
  try {
    const value = await call()
    return isWhole(value) ? 'an answer' : kindOf(value)
  } catch (error) {
    return chainOf(error).join(' ← ')
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (typeof value === 'string') return 'a string'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object without it' : `a ${typeof value}`
}

/** An error and its causes, outermost first, each once. */
function chainOf(error: unknown): string[] {
  const chain: string[] = []
  for (let cause = error; cause !== undefined && cause !== null && chain.length < 5; cause = at(cause, 'cause')) {
    const told = cause instanceof Error ? toldOf(cause) : `a ${typeof cause}`
    if (chain.at(-1) !== told) chain.push(told)
  }
  return chain
}

/** Name, status and code; the beginning of the message where there is nothing else to tell it by. */
function toldOf(error: Error): string {
  const status = at(error, 'status') ?? at(error, 'response', 'status')
  // A DOMException's code is a leftover that says nothing.
  const code = error instanceof DOMException ? undefined : at(error, 'code')
  const facts = new Set([status, code].filter((fact) => fact !== undefined))
  if (error.name !== 'Error' || facts.size > 0) return [error.name, ...facts].join(' ')
  return `Error “${error.message.slice(0, 29).trim()}…”`
}
