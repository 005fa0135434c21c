/**
 * A `fetch` for Yahoo's SDK that goes to the stand-in and says which host was meant.
 *
 * @param url where the stand-in is
 * @param headers sent with every request
 */
export function yahooTransport(url: string, headers: Readonly<Record<string, string>> = {}): typeof fetch {
  return (input, init) => {
    const meant = new URL(String(input))
    const told = new Headers(init?.headers)
    told.set('x-orig-host', meant.host)
    for (const [name, value] of Object.entries(headers)) told.set(name, value)
    return fetch(`${url}${meant.pathname}${meant.search}`, { ...init, headers: told })
  }
}
