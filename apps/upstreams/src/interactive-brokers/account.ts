/** The one account. */
export const ACCOUNT = 'DU1234567'
