/** The servers of one framework, in a process whose CPU is theirs alone: `node http-program.ts <framework>`. */
import { once } from 'node:events'
import { type Measured, SERVERS } from './http-servers.ts'

const framework = process.argv[2]
const measured: readonly Measured[] | undefined = Object.entries(SERVERS).find(([name]) => name === framework)?.[1]
if (measured === undefined) throw new Error(`usage: ${Object.keys(SERVERS).join(' | ')}`)

const ports: number[] = []
for (const { make } of measured) {
  const server = await make()
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  ports.push(address.port)
}

// Asked for anything, it says how much CPU it has used.
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.(user + system)
})
process.on('disconnect', () => process.exit())
process.send?.(ports)
