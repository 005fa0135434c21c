import { InvalidOptionError } from 'holdfast'

/** Rules by route: `'GET /orders/:id'`, or `'/healthz'` for every method. `*` as the last part stands for all that follows. */
export type RoutesOption<Rule> = Readonly<Record<string, Rule>>

interface Entry<Rule> {
  /** Undefined for every method. */
  readonly method: string | undefined
  readonly path: string
  readonly parts: readonly string[]
  readonly rule: Rule
}

/**
 * Finds the rule of a request by its method and path, for frameworks that cannot tell the route before it runs. Frameworks
 * differ in whether they take `/Report/` for `/report`. The table does: who pays for a route cannot write round it.
 */
export class RouteTable<Rule> {
  readonly #fixed = new Map<string, Entry<Rule>[]>()
  readonly #patterns: Entry<Rule>[] = []

  /**
   * @param option what it belongs to, for the error: `rateLimit.routes`
   * @throws InvalidOptionError for a route that is written in another way
   */
  constructor(option: string, routes: RoutesOption<Rule>) {
    for (const [route, rule] of Object.entries(routes)) {
      const [, method, path] = /^(?:([A-Z]+) )?(\/[^\s?#]*)$/.exec(route) ?? []
      if (path === undefined) {
        throw new InvalidOptionError(`${option}["${route}"]`, route, 'write it as "GET /orders/:id" or "/healthz"')
      }
      const entry = { method, path, parts: partsOf(path), rule }
      if (/\/[:*]/.test(path)) this.#patterns.push(entry)
      else this.#fixed.set(comparable(path), [...(this.#fixed.get(comparable(path)) ?? []), entry])
    }
  }

  /** Whether there is no rule at all. */
  get isEmpty(): boolean {
    return this.#fixed.size === 0 && this.#patterns.length === 0
  }

  /**
   * @param url path and query, as the client sent them; an absolute URL is taken too
   * @returns the rule, and whether the path is written exactly as in the table
   */
  find(method: string, url: string): { readonly rule: Rule; readonly exactly: boolean } | undefined {
    // A fragment has no business in a request. Some routers cut it off all the same, and others do not.
    const fragment = url.indexOf('#')
    const path = pathOf(fragment < 0 ? url : url.slice(0, fragment))
    const fixed = this.#fixed.get(comparable(path))?.find((entry) => fitsMethod(entry, method))
    if (fixed !== undefined) return { rule: fixed.rule, exactly: fragment < 0 && fixed.path === path }
    if (this.#patterns.length === 0) return undefined
    const parts = partsOf(path)
    const pattern = this.#patterns.find((entry) => fitsMethod(entry, method) && fitsParts(entry.parts, parts))
    if (pattern === undefined) return undefined
    return { rule: pattern.rule, exactly: fragment < 0 && fitsParts(splitPath(pattern.path), splitPath(path)) }
  }
}

/** What is answered to GET is answered to HEAD, at the same cost. */
function fitsMethod({ method }: Entry<unknown>, asked: string): boolean {
  return method === undefined || method === asked || (method === 'GET' && asked === 'HEAD')
}

function fitsParts(pattern: readonly string[], parts: readonly string[]): boolean {
  const open = pattern.at(-1) === '*'
  if (open ? parts.length < pattern.length : parts.length !== pattern.length) return false
  return pattern.every((part, index) => part === '*' || part.startsWith(':') || part === parts[index])
}

function partsOf(path: string): string[] {
  return splitPath(comparable(path))
}

function splitPath(path: string): string[] {
  return path.split('/').slice(1)
}

function comparable(path: string): string {
  return (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path).toLowerCase()
}

function pathOf(url: string): string {
  const query = url.indexOf('?')
  const target = query < 0 ? url : url.slice(0, query)
  if (target.startsWith('/')) return target
  const host = target.indexOf('//')
  const path = host < 0 ? -1 : target.indexOf('/', host + 2)
  return path < 0 ? '/' : target.slice(path)
}
