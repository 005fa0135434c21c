/** `npm run token -- alice operator`: makes a token, and the entry of the configuration that makes it good. */
import { InvalidTokenEntryError, makeToken, TokenBook, tokenEntry } from './tokens.ts'

const [name = '', role = ''] = process.argv.slice(2)
try {
  if (role !== 'viewer' && role !== 'operator' && role !== 'admin') {
    throw new InvalidTokenEntryError('say a name and a role: npm run token -- alice viewer|operator|admin')
  }
  const token = makeToken()
  const entry = tokenEntry({ name, role }, token)
  // Checks the name by the rules that will read it.
  new TokenBook(entry)
  console.log(`token, for ${name} alone:    ${token}`)
  console.log(`entry, for CONTROL_TOKENS: ${entry}`)
} catch (error) {
  if (!(error instanceof InvalidTokenEntryError)) throw error
  console.error(error.message)
  process.exitCode = 1
}
