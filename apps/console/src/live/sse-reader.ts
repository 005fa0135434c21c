/** Reading server-sent events from a response. `EventSource` gives up for good on a 503 and tells nobody why. */

/** One event as it came. */
export interface ServerEvent {
  readonly id: string | undefined
  readonly name: string
  readonly data: string
}

/** Takes a text apart into events; what is not whole yet is kept for the next text. */
export class EventParser {
  #rest = ''

  /** The events that are whole now. */
  push(text: string): ServerEvent[] {
    const parts = (this.#rest + text).replaceAll('\r\n', '\n').split('\n\n')
    this.#rest = parts.pop() ?? ''
    return parts.flatMap((part) => {
      const event = read(part)
      return event === undefined ? [] : [event]
    })
  }
}

function read(text: string): ServerEvent | undefined {
  let id: string | undefined
  let name = 'message'
  const data: string[] = []
  for (const line of text.split('\n')) {
    const colon = line.indexOf(':')
    if (colon <= 0) continue
    const value = line.slice(colon + 1).replace(/^ /, '')
    const field = line.slice(0, colon)
    if (field === 'id') id = value
    if (field === 'event') name = value
    if (field === 'data') data.push(value)
  }
  return data.length === 0 ? undefined : { id, name, data: data.join('\n') }
}

/** Reads a body to its end. @param onEvent told of each event */
export async function readEvents(
  body: ReadableStream<Uint8Array>,
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const parser = new EventParser()
  const decoder = new TextDecoder()
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    for (const event of parser.push(decoder.decode(value, { stream: true }))) onEvent(event)
  }
}
