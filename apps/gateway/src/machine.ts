/** What the machine may refuse at the start, told by the variable that chose it. */
import { mkdirSync } from 'node:fs'
import { InvalidConfigError } from './config.ts'

/** Makes a folder, unless it is there. @throws InvalidConfigError that names the variable */
export function makeFolder(variable: string, value: string, folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const rule = `there is no folder ${folder} and none can be made (${codeOf(error)})`
    throw new InvalidConfigError(`${variable} is ${JSON.stringify(value)}: ${rule}`, { cause: error })
  }
}

/** Why the gateway cannot listen, in terms of `HOST` and `PORT`. */
export function listenError(error: unknown, { HOST, PORT }: { readonly HOST: string; readonly PORT: number }): Error {
  const code = codeOf(error)
  if (code === 'EADDRINUSE') {
    return new Error(`port ${PORT} is taken; set PORT to another one (0 for any)`, { cause: error })
  }
  const rule = `cannot listen there (${code}); set them to an address of this machine and a port that you may use`
  return new InvalidConfigError(`HOST is ${JSON.stringify(HOST)} and PORT ${PORT}: ${rule}`, { cause: error })
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : error
}
