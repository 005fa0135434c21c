import { portsFromEnvironment, startUpstreams } from './start-upstreams.ts'

try {
  const { urls, close } = await startUpstreams({ ports: portsFromEnvironment(process.env) })
  console.log(
    [
      `Alpaca               ${urls.alpaca}`,
      `Polygon              ${urls.polygon}`,
      `Yahoo                ${urls.yahoo}`,
      `FRED                 ${urls.fred}`,
      `Interactive Brokers  ${urls.ib}`,
      `control              ${urls.control}`,
    ].join('\n'),
  )
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void close())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
