import { createHash } from 'node:crypto'

/** The name of the cookie that a crumb goes with. */
const COOKIE = 'A1'

/** How long cookies hold, in seconds: a year. */
const COOKIE_SECONDS = 31_557_600

/** Which crumbs are good: one for each cookie, until all are changed. */
export class Crumbs {
  #generation = 0
  #visitors = 0

  /** From now on other crumbs: those given out are no longer good. */
  rotate(): void {
    this.#generation++
  }

  /** The headers with which a visitor gets cookies. @param expiresAt milliseconds since 1970 */
  cookies(now: number): string[] {
    const value = `d=${textFrom(`visitor ${++this.#visitors}`, 22)}&S=${textFrom(`signature ${this.#visitors}`, 22)}`
    const about = `Expires=${new Date(now + COOKIE_SECONDS * 1_000).toUTCString()}; Max-Age=${COOKIE_SECONDS}; Domain=.yahoo.com; Path=/; SameSite=None; Secure; HttpOnly`
    return [`${COOKIE}=${value}; ${about}`, `A3=${value}; ${about}`]
  }

  /** The crumb that goes with the cookies of a request; undefined when they lack the one that matters. */
  crumbFor(cookieHeader: string | undefined): string | undefined {
    const cookie = (cookieHeader ?? '').split('; ').find((text) => text.startsWith(`${COOKIE}=`))
    return cookie === undefined ? undefined : textFrom(`${cookie} ${this.#generation}`, 11)
  }
}

/** Letters and digits that follow from a text. */
export function textFrom(text: string, length: number): string {
  return createHash('sha256').update(text).digest('base64url').replaceAll(/[-_]/g, 'x').slice(0, length)
}
