/** One source after another, until one answers. */
import { describeFailure, type Service } from 'holdfast'
import { InvalidRequestError, NoSourceError } from '../errors.ts'

/** What answers behind a service's guards. */
export interface Source {
  readonly service: Service
}

/** What came of asking one source. */
export interface FailedSource {
  /** Name of the service. */
  readonly source: string
  readonly error: unknown
}

/** Statuses with which a service says that the question itself is at fault: the next one would say the same. */
const ANSWERS: ReadonlySet<number> = new Set([400, 404, 422])

/**
 * Asks the sources in order. The next is asked when one fails, refuses, or its guards refuse; not when the question is at
 * fault, nor when the caller gave up.
 *
 * @throws NoSourceError when none answers; otherwise what ended it
 */
export async function firstOf<S extends Source, T>(
  sources: readonly S[],
  what: string,
  ask: (source: S) => Promise<T>,
): Promise<{ readonly source: S; readonly value: T }> {
  const failed: FailedSource[] = []
  for (const source of sources) {
    try {
      return { source, value: await ask(source) }
    } catch (error) {
      if (isFinal(error)) throw error
      failed.push({ source: source.service.name, error })
    }
  }
  throw new NoSourceError(what, failed)
}

function isFinal(error: unknown): boolean {
  if (error instanceof InvalidRequestError) return true
  const { kind, status } = describeFailure(error)
  return kind === 'cancelled' || (kind === 'refused' && status !== undefined && ANSWERS.has(status))
}
