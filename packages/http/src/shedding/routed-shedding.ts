import { InvalidOptionError } from 'holdfast'
import { check, isOptions, oneOf } from 'holdfast/options'
import { RouteTable } from '../limit/route-table.ts'
import { LoadShedder, type LoadSheddingOptions, type Priority, type Shed } from './load-shedder.ts'

/** Options where the framework cannot tell the route before it runs. */
export interface RoutedSheddingOptions extends LoadSheddingOptions {
  /** How much requests of single routes matter: `{ 'POST /orders': 'critical', '/reports/*': 'background' }`. */
  readonly routes?: Readonly<Record<string, Priority>> | undefined
}

const PRIORITY = oneOf(['critical', 'normal', 'background'])

/** A {@link LoadShedder} that finds the priority of a route itself. */
export class RoutedShedding {
  readonly shedder: LoadShedder
  readonly #priorities: RouteTable<Priority>

  /** @throws InvalidOptionError when an option makes no sense, or does not exist */
  constructor({ routes = {}, ...options }: RoutedSheddingOptions) {
    this.shedder = new LoadShedder(options)
    if (!isOptions(routes))
      throw new InvalidOptionError('loadShedding.routes', routes, 'it must be an object of priorities by route')
    for (const [route, priority] of Object.entries(routes)) check(`loadShedding.routes["${route}"]`, priority, PRIORITY)
    this.#priorities = new RouteTable('loadShedding.routes', routes)
  }

  /** Whether a request is turned away, and how; undefined when it may come in. */
  refusal(method: string, url: string): Shed | undefined {
    return this.shedder.refusal(this.#priorities.find(method, url)?.rule ?? 'normal')
  }
}
