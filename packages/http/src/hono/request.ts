import type { HonoRequest } from 'hono'

/** Path and query of a request, the path as the router has read it: decoded. */
export function pathAndQuery({ path, url }: HonoRequest): string {
  const query = url.indexOf('?')
  return query < 0 ? path : path + url.slice(query)
}
