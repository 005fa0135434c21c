/** A message that lacks a field, or has one that makes no sense. */
export class BadMessageError extends Error {
  override readonly name = 'BadMessageError'
  readonly code = 'UPSTREAMS_BAD_MESSAGE'
}

/** Reads the fields of a request one by one. An empty field stands for nothing. */
export class FieldReader {
  readonly #fields: readonly string[]
  #next: number

  /** @param from the index of the first field to read */
  constructor(fields: readonly string[], from: number) {
    this.#fields = fields
    this.#next = from
  }

  skip(count: number): void {
    this.#next += count
  }

  /** @throws BadMessageError when there are no more fields */
  text(): string {
    const field = this.#fields[this.#next++]
    if (field !== undefined) return field
    throw new BadMessageError(`it ends before field ${this.#next}`)
  }

  /** A whole number. @throws BadMessageError */
  integer(): number {
    const field = this.text()
    if (/^-?\d{1,15}$/.test(field)) return Number(field)
    throw new BadMessageError(`field ${this.#next} is "${field.slice(0, 40)}", not a whole number`)
  }

  /** A whole number; an empty field is the other one. @throws BadMessageError */
  integerOr(otherwise: number): number {
    return this.#isEmpty() ? otherwise : this.integer()
  }

  /** 0 is false and 1 is true; an empty field is the other one. @throws BadMessageError */
  flagOr(otherwise: boolean): boolean {
    return this.#isEmpty() ? otherwise : this.integer() !== 0
  }

  /** A decimal figure as a text; null for an empty field. @throws BadMessageError */
  decimalOrNull(): string | null {
    const field = this.text()
    if (field === '') return null
    if (/^-?\d{1,15}(\.\d{1,15})?(e[+-]?\d{1,3})?$/i.test(field)) return field
    throw new BadMessageError(`field ${this.#next} is "${field.slice(0, 40)}", not a decimal figure`)
  }

  #isEmpty(): boolean {
    if (this.#fields[this.#next] !== '') return false
    this.#next++
    return true
  }
}
