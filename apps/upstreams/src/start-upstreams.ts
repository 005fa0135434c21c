import { type Clock, systemClock } from 'holdfast'
import { alpaca } from './alpaca/alpaca.ts'
import { controlServer } from './control/control-server.ts'
import { Controls, type UpstreamName } from './control/controls.ts'
import { polygon } from './polygon/polygon.ts'
import { Simulation } from './simulation.ts'
import { UpstreamServer } from './upstream-server.ts'

/** How the stand-ins are started. */
export interface UpstreamsOptions {
  /** From which everything random follows. Default 1. */
  readonly seed?: number
  /** Source of time. Default: the system's. */
  readonly clock?: Clock
  /** 0 is any free port. Default: control 9000, Alpaca 9001, Polygon 9002. */
  readonly ports?: { readonly control?: number; readonly alpaca?: number; readonly polygon?: number }
  /** Requests that an upstream works on at a time, and how long each takes, in milliseconds. Default 64, 2 to 5. */
  readonly workers?: { readonly count: number; readonly minMs: number; readonly maxMs: number }
}

/** Running stand-ins. */
export interface Upstreams {
  readonly urls: Readonly<Record<UpstreamName | 'control', string>>
  readonly ports: Readonly<Record<UpstreamName | 'control', number>>
  /** Faults, limits, ledger, clock: what the control server offers over HTTP. */
  readonly control: Controls
  /** Stops at once, whatever hangs. */
  close(): Promise<void>
}

const HOST = '127.0.0.1'

/** The environment variable that moves a port. */
const PORT_VARIABLES = {
  control: 'UPSTREAMS_CONTROL_PORT',
  alpaca: 'ALPACA_STANDIN_PORT',
  polygon: 'POLYGON_STANDIN_PORT',
} as const

/** A port could not be had. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
  readonly code = 'UPSTREAMS_PORT_TAKEN'
}

/**
 * Starts the stand-ins for Alpaca and Polygon, and their control server, on the loopback address.
 *
 * @throws PortTakenError that names the port and the environment variable that moves it
 * @example
 * const upstreams = await startUpstreams({ seed: 7, ports: { control: 0, alpaca: 0, polygon: 0 } })
 * upstreams.control.setFaults('alpaca', { action: { type: 'hang' } })
 * await upstreams.close()
 */
export async function startUpstreams(options: UpstreamsOptions = {}): Promise<Upstreams> {
  const simulation = new Simulation(options.seed ?? 1, options.clock ?? systemClock)
  const { clock, random, log } = simulation
  const around = { clock, random, log, workers: options.workers ?? { count: 64, minMs: 2, maxMs: 5 } }
  const servers: Record<UpstreamName, UpstreamServer> = {
    alpaca: new UpstreamServer(alpaca(simulation), around),
    polygon: new UpstreamServer(polygon(simulation), around),
  }
  const controls = new Controls(new Map(Object.entries(servers)), simulation)
  const control = controlServer(controls)
  const close = async (): Promise<void> => {
    await Promise.all([control.close(), ...Object.values(servers).map((server) => server.close())])
  }
  const wanted = { control: 9000, alpaca: 9001, polygon: 9002, ...options.ports }
  try {
    const ports = {
      control: await listening('control', wanted.control, async (port) => {
        await control.listen({ host: HOST, port })
        const address = control.server.address()
        return typeof address === 'object' && address !== null ? address.port : port
      }),
      alpaca: await listening('alpaca', wanted.alpaca, (port) => servers.alpaca.listen(HOST, port)),
      polygon: await listening('polygon', wanted.polygon, (port) => servers.polygon.listen(HOST, port)),
    }
    const urlOf = (port: number): string => `http://${HOST}:${port}`
    const urls = { control: urlOf(ports.control), alpaca: urlOf(ports.alpaca), polygon: urlOf(ports.polygon) }
    return { urls, ports, control: controls, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function listening(
  name: keyof typeof PORT_VARIABLES,
  port: number,
  listen: (port: number) => Promise<number>,
): Promise<number> {
  try {
    return await listen(port)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error
    throw new PortTakenError(`port ${port} is taken; set ${PORT_VARIABLES[name]} to another one (0 for any)`, {
      cause: error,
    })
  }
}

/** Ports from the environment. @throws RangeError that names the variable */
export function portsFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): NonNullable<UpstreamsOptions['ports']> {
  const read = (name: keyof typeof PORT_VARIABLES): object => {
    const variable = PORT_VARIABLES[name]
    const text = env[variable]
    if (text === undefined || text === '') return {}
    const port = Number(text)
    if (!/^\d+$/.test(text) || port > 65_535)
      throw new RangeError(`${variable} is "${text}": it must be a port from 0 to 65535`)
    return { [name]: port }
  }
  return { ...read('control'), ...read('alpaca'), ...read('polygon') }
}
