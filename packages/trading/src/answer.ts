import { MalformedAnswerError } from './errors.ts'

/** Reads the fields of an answer, and trusts none of them: a 200 may carry anything. */
export class Answer {
  readonly #service: string
  readonly #operation: string
  readonly #value: object

  /** @throws MalformedAnswerError when the answer is no object */
  constructor(service: string, operation: string, value: unknown) {
    this.#service = service
    this.#operation = operation
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new MalformedAnswerError(service, operation, `it is ${kindOf(value)}, not an object`)
    }
    this.#value = value
  }

  /** A text that is not empty. @throws MalformedAnswerError */
  text(field: string): string {
    const value = this.#field(field)
    if (typeof value === 'string' && value !== '') return value
    throw this.#complaint(field, value, 'a text')
  }

  /** A text or a number, as a text; null when it is absent. @throws MalformedAnswerError */
  decimalOrNull(field: string): string | null {
    const value = this.#field(field)
    return value === null || value === undefined ? null : this.decimal(field)
  }

  /** A figure of money or quantity, kept as a text because money is not a float. @throws MalformedAnswerError */
  decimal(field: string): string {
    const value = this.#field(field)
    const text = typeof value === 'number' ? String(value) : value
    if (typeof text === 'string' && /^-?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(text)) return text
    throw this.#complaint(field, value, 'a decimal figure')
  }

  /** A finite number. @throws MalformedAnswerError */
  number(field: string): number {
    const value = this.#field(field)
    if (typeof value === 'number' && Number.isFinite(value)) return value
    throw this.#complaint(field, value, 'a number')
  }

  /** A figure that stands there as a text. @throws MalformedAnswerError */
  figure(field: string): number {
    return Number(this.decimal(field))
  }

  flag(field: string): boolean {
    const value = this.#field(field)
    if (typeof value === 'boolean') return value
    throw this.#complaint(field, value, 'true or false')
  }

  /** A time as milliseconds since 1970. @throws MalformedAnswerError */
  time(field: string): number {
    const value = this.#field(field)
    const time = value instanceof Date ? value.getTime() : typeof value === 'string' ? Date.parse(value) : Number.NaN
    if (!Number.isNaN(time)) return time
    throw this.#complaint(field, value, 'a time')
  }

  /** Whether there is such a field. */
  has(field: string): boolean {
    return this.#field(field) !== undefined
  }

  /** An answer within the answer. @throws MalformedAnswerError */
  part(field: string): Answer {
    const value = this.#field(field)
    if (typeof value === 'object' && value !== null)
      return new Answer(this.#service, `${this.#operation}.${field}`, value)
    throw this.#complaint(field, value, 'an object')
  }

  /** A list within the answer; an absent one is empty. @throws MalformedAnswerError */
  list(field: string): Answer[] {
    const value = this.#field(field)
    if (value === undefined || value === null) return []
    return answers(this.#service, `${this.#operation}.${field}`, value)
  }

  #field(field: string): unknown {
    return Reflect.get(this.#value, field)
  }

  #complaint(field: string, value: unknown, expected: string): MalformedAnswerError {
    return new MalformedAnswerError(this.#service, this.#operation, `${field} is ${kindOf(value)}, not ${expected}`)
  }
}

/** A list of answers. @throws MalformedAnswerError */
export function answers(service: string, operation: string, value: unknown): Answer[] {
  if (!Array.isArray(value)) throw new MalformedAnswerError(service, operation, `it is ${kindOf(value)}, not a list`)
  return value.map((entry) => new Answer(service, operation, entry))
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
