import { reportToConsole } from '../events.ts'
import { callback, checkOptions, clockRule, nameText, type Rules } from '../options.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { type Pipeline, pipeline } from '../pipeline/pipeline.ts'
import { RETRY_RULES, type RetryOptions } from './retry-options.ts'

/** The rules that {@link RetryOptions} are held to. */
const RETRY_OPTION_RULES: Rules<RetryOptions> = {
  ...RETRY_RULES,
  service: nameText,
  operation: nameText,
  onHookError: callback,
  clock: clockRule,
  random: callback,
}

/**
 * Calls a function, and calls it again when it fails for a reason that may pass, with growing, jittered delays.
 *
 * @param options how often and when; `signal` and the other options of a call may be among them
 * @throws the error itself when it is not worth a retry; RetriesExhaustedError with all errors when no attempt is left;
 *   the signal's reason at once when the caller gives up, in the middle of a wait too
 * @example
 * const account = await retry(({ signal }) => fetch(url, { signal }), { maxRetries: 3, baseDelayMs: 1_000, maxDelayMs: 60_000 })
 */
export async function retry<T>(
  fn: Guarded<T>,
  options: RetryOptions & Pick<CallOptions, 'signal' | 'idempotent'> = {},
): Promise<Awaited<T>> {
  const { signal, idempotent, ...retryOptions } = options
  const { operation } = retryOptions
  return await retryPipeline(retryOptions).execute(fn, { signal, idempotent, operation })
}

/** Checks the options and compiles them, for those who call more than once. @throws InvalidOptionError */
export function retryPipeline(options: RetryOptions): Pipeline {
  const { service, onHookError, clock, random, settings } = splitRetryOptions(options)
  return pipeline({ name: service, retry: settings, onHookError, clock, random })
}

/** Checks the options and divides them into those of the retry and those of its surroundings. */
export function splitRetryOptions(options: RetryOptions): Pick<
  RetryOptions,
  'service' | 'operation' | 'clock' | 'random'
> & {
  readonly onHookError: NonNullable<RetryOptions['onHookError']>
  readonly settings: Omit<RetryOptions, 'service' | 'operation' | 'onHookError' | 'clock' | 'random'>
} {
  checkOptions('retry', options, RETRY_OPTION_RULES)
  const { service, operation, onHookError = reportToConsole, clock, random, ...settings } = options
  return { service, operation, onHookError, clock, random, settings }
}
