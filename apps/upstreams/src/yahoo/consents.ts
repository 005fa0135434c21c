import { textFrom } from './crumbs.ts'

/** A visitor who was asked, and where he wanted to go. */
interface Asked {
  readonly doneUrl: string
  hasAgreed: boolean
}

/** Visitors who were asked whether they agree, before they are given cookies. */
export class Consents {
  readonly #asked = new Map<string, Asked>()
  #count = 0

  /** @returns the session in which a visitor is asked */
  begin(doneUrl: string): string {
    const sessionId = `3_cc-session_${textFrom(`consent ${++this.#count}`, 22)}`
    this.#asked.set(sessionId, { doneUrl, hasAgreed: false })
    return sessionId
  }

  /** Where a visitor wanted to go; undefined when he was not asked. */
  doneUrl(sessionId: string): string | undefined {
    return this.#asked.get(sessionId)?.doneUrl
  }

  /** What the form of a session must bring back. */
  csrfToken(sessionId: string): string {
    return textFrom(`form ${sessionId}`, 7)
  }

  /** Takes a form. @returns whether it is one that was given out */
  agree(sessionId: string, csrfToken: string): boolean {
    const asked = this.#asked.get(sessionId)
    if (asked === undefined || csrfToken !== this.csrfToken(sessionId)) return false
    asked.hasAgreed = true
    return true
  }

  /** Ends the session of a visitor who has agreed. @returns where he wanted to go */
  end(sessionId: string): string | undefined {
    const asked = this.#asked.get(sessionId)
    if (asked === undefined || !asked.hasAgreed) return undefined
    this.#asked.delete(sessionId)
    return asked.doneUrl
  }

  reset(): void {
    this.#asked.clear()
  }
}
