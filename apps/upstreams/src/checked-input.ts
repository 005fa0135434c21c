import type { z } from 'zod'

/** One thing that is wrong with what somebody sent. */
export interface InputIssue {
  /** Where, like `[0].match.probability`; empty for the whole. */
  readonly field: string
  /** What stands there, as JSON, shortened. */
  readonly value: string
  /** What it should be. */
  readonly rule: string
}

/** A fault rule, a limit or another input of the control that makes no sense. */
export class InvalidRuleError extends Error {
  override readonly name = 'InvalidRuleError'
  readonly code = 'UPSTREAMS_INVALID_RULE'
  readonly issues: readonly InputIssue[]

  constructor(message: string, issues: readonly InputIssue[] = []) {
    super(message)
    this.issues = issues
  }
}

/** How many things that are wrong are told at a time. */
const MOST_ISSUES = 5

/**
 * Checks an input against a schema.
 *
 * @param subject what it is called in the message
 * @throws InvalidRuleError that names each field, its value and the rule that it breaks
 */
export function checked<T>(schema: z.ZodType<T>, input: unknown, subject: string): T {
  const read = schema.safeParse(input)
  if (read.success) return read.data
  const issues = read.error.issues.slice(0, MOST_ISSUES).map(({ path, message }) => ({
    field: pathText(path),
    value: shown(path.reduce(step, input)),
    rule: message,
  }))
  const told = issues.map(({ field, value, rule }) => `${subject}${dotted(field)} is ${value}: ${rule}`)
  throw new InvalidRuleError(told.join('; '), issues)
}

function step(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  return Object.getOwnPropertyDescriptor(value, key)?.value
}

function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : `${index === 0 ? '' : '.'}${String(part)}`))
    .join('')
}

function dotted(field: string): string {
  return field === '' || field.startsWith('[') ? field : `.${field}`
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? 'missing'
  return text.length <= 80 ? text : `${text.slice(0, 79)}…`
}
