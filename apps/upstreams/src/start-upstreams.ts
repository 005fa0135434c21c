import type { FastifyInstance } from 'fastify'
import { type Clock, systemClock } from 'holdfast'
import { alpaca } from './alpaca/alpaca.ts'
import { controlServer } from './control/control-server.ts'
import { Controls, type UpstreamName } from './control/controls.ts'
import { fred } from './fred/fred.ts'
import { TwsServer } from './interactive-brokers/tws-server.ts'
import { polygon } from './polygon/polygon.ts'
import { Simulation } from './simulation.ts'
import { UpstreamServer } from './upstream-server.ts'
import { yahoo } from './yahoo/yahoo.ts'

/** How the stand-ins are started. */
export interface UpstreamsOptions {
  /** From which everything random follows. Default 1. */
  readonly seed?: number
  /** Source of time. Default: the system's. */
  readonly clock?: Clock
  /**
   * 0 is any free port, which those have that are not named. Default, if none is: control 9000, Alpaca 9001, Polygon 9002,
   * Yahoo 9003, FRED 9004, Interactive Brokers 9005.
   */
  readonly ports?: Partial<Ports>
  /** Requests that an upstream works on at a time, and how long each takes, in milliseconds. Default 64, 2 to 5. */
  readonly workers?: { readonly count: number; readonly minMs: number; readonly maxMs: number }
}

/** Where everything listens. */
export type Ports = Readonly<Record<UpstreamName | 'control', number>>

/** Running stand-ins. */
export interface Upstreams {
  readonly urls: Readonly<Record<UpstreamName | 'control', string>>
  readonly ports: Ports
  /** Faults, limits, ledger, clock: what the control server offers over HTTP. */
  readonly control: Controls
  /** Stops at once, whatever hangs. */
  close(): Promise<void>
}

const HOST = '127.0.0.1'

const NAMES = ['control', 'alpaca', 'polygon', 'yahoo', 'fred', 'ib'] as const

/** The environment variable that moves a port. */
const PORT_VARIABLES = {
  control: 'UPSTREAMS_CONTROL_PORT',
  alpaca: 'ALPACA_STANDIN_PORT',
  polygon: 'POLYGON_STANDIN_PORT',
  yahoo: 'YAHOO_STANDIN_PORT',
  fred: 'FRED_STANDIN_PORT',
  ib: 'IB_STANDIN_PORT',
} as const

const DEFAULT_PORTS: Ports = { control: 9000, alpaca: 9001, polygon: 9002, yahoo: 9003, fred: 9004, ib: 9005 }
const ANY_PORTS: Ports = { control: 0, alpaca: 0, polygon: 0, yahoo: 0, fred: 0, ib: 0 }

/** A port could not be had. */
export class PortTakenError extends Error {
  override readonly name = 'PortTakenError'
  readonly code = 'UPSTREAMS_PORT_TAKEN'
}

/**
 * Starts the stand-ins and their control server, on the loopback address.
 *
 * @throws PortTakenError that names the port and the environment variable that moves it
 * @example
 * const upstreams = await startUpstreams({ seed: 7, ports: { control: 0 } })
 * upstreams.control.setFaults('alpaca', { action: { type: 'hang' } })
 * await upstreams.close()
 */
export async function startUpstreams(options: UpstreamsOptions = {}): Promise<Upstreams> {
  const simulation = new Simulation(options.seed ?? 1, options.clock ?? systemClock)
  const { clock, random, log } = simulation
  const around = { clock, random, log, workers: options.workers ?? { count: 64, minMs: 2, maxMs: 5 } }
  const servers = {
    alpaca: new UpstreamServer(alpaca(simulation), around),
    polygon: new UpstreamServer(polygon(simulation), around),
    yahoo: new UpstreamServer(yahoo(simulation), around),
    fred: new UpstreamServer(fred(simulation), around),
    ib: new TwsServer(simulation, around),
  }
  const controls = new Controls(new Map(Object.entries(servers)), simulation)
  const control = controlServer(controls)
  const close = async (): Promise<void> => {
    await Promise.all([control.close(), ...Object.values(servers).map((server) => server.close())])
  }
  const wanted = options.ports === undefined ? DEFAULT_PORTS : { ...ANY_PORTS, ...options.ports }
  const listeners: Readonly<Record<keyof Ports, Listener>> = { control: listenerOf(control), ...servers }
  try {
    const ports = { ...wanted }
    for (const name of NAMES) ports[name] = await listening(name, wanted[name], listeners[name])
    const urlOf = (name: keyof Ports): string => `${name === 'ib' ? 'tcp' : 'http'}://${HOST}:${ports[name]}`
    const urls = {
      control: urlOf('control'),
      alpaca: urlOf('alpaca'),
      polygon: urlOf('polygon'),
      yahoo: urlOf('yahoo'),
      fred: urlOf('fred'),
      ib: urlOf('ib'),
    }
    return { urls, ports, control: controls, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Something that can be told to listen. @returns the port that it got */
interface Listener {
  listen(host: string, port: number): Promise<number>
}

function listenerOf(app: FastifyInstance): Listener {
  return {
    listen: async (host, port) => {
      await app.listen({ host, port })
      const address = app.server.address()
      return typeof address === 'object' && address !== null ? address.port : port
    },
  }
}

async function listening(name: keyof Ports, port: number, listener: Listener): Promise<number> {
  try {
    return await listener.listen(HOST, port)
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error
    throw new PortTakenError(`port ${port} is taken; set ${PORT_VARIABLES[name]} to another one (0 for any)`, {
      cause: error,
    })
  }
}

/** Ports from the environment; those that are not set are the usual ones. @throws RangeError that names the variable */
export function portsFromEnvironment(env: Readonly<Record<string, string | undefined>>): Ports {
  const ports = { ...DEFAULT_PORTS }
  for (const name of NAMES) {
    const variable = PORT_VARIABLES[name]
    const text = env[variable]
    if (text === undefined || text === '') continue
    const port = Number(text)
    if (!/^\d+$/.test(text) || port > 65_535)
      throw new RangeError(`${variable} is "${text}": it must be a port from 0 to 65535`)
    ports[name] = port
  }
  return ports
}
