/**
 * Answers of `fetch` whose bodies somebody watches, or that are read from elsewhere. They stay the very objects that `fetch`
 * has made, with all that can be asked of them: a copy would lose the URL.
 */
import { watchEnd } from '../body-end.ts'
import type { UnreadAnswers } from './unread-answers.ts'

const READERS = ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const

/** What is known of a body. */
interface Watched {
  /** Where it is read from instead. */
  readonly source: Response | undefined
  /** Somebody begins to read. */
  begun(): void
  ended(): void
  broke(reason: unknown): void
  /** The stream that was handed out, once it was asked for. */
  stream: ReadableStream<Uint8Array> | undefined
}

/** Where an answer keeps it: a WeakMap would make the garbage collector look at every answer more than once. */
const WATCHED: unique symbol = Symbol('holdfast.watched')

interface Marked {
  [WATCHED]?: Watched
}

/** For each class of answers (there is more than one `fetch`) one that looks at the watched ones. */
const prototypes = new WeakMap<object, object>()

/**
 * Watches the body of an answer.
 *
 * @returns resolves with the answer when its body has been read, given up, or not begun for a second; rejects with what broke it
 */
export function watchBody(response: Response, unread: UnreadAnswers): Promise<Response> {
  return new Promise((resolve, reject) => {
    const ended = (): void => resolve(response)
    unread.add(ended)
    watch(response, { source: undefined, begun: () => unread.remove(ended), ended, broke: reject, stream: undefined })
  })
}

/** Has an answer's body read from elsewhere: its own has been read already. */
export function readInstead(response: Response, body: ReadableStream<Uint8Array<ArrayBuffer>>): void {
  const nothing = (): void => {}
  const { headers } = response
  // For `blob()` and `formData()` the type matters.
  const source = new Response(body, { headers: { 'content-type': headers.get('content-type') ?? '' } })
  watch(response, { source, begun: nothing, ended: nothing, broke: nothing, stream: undefined })
}

function watch(response: Response & Marked, how: Watched): void {
  response[WATCHED] = how
  const own: object = Object.getPrototypeOf(response)
  let prototype = prototypes.get(own)
  if (prototype === undefined) {
    prototype = watchingPrototype(own)
    prototypes.set(own, prototype)
  }
  Object.setPrototypeOf(response, prototype)
}

function watchingPrototype(own: object): object {
  const cloneOfOwn: CallableFunction = Reflect.get(own, 'clone')
  const properties: PropertyDescriptorMap = {
    body: { get: body },
    bodyUsed: { get: bodyUsed },
    clone: { value: clone },
  }
  for (const name of READERS) {
    const original: unknown = Reflect.get(own, name)
    if (typeof original === 'function') properties[name] = { value: reader(name, original) }
  }
  return Object.create(own, properties)

  function body(this: Marked): unknown {
    const how = this[WATCHED]
    if (how?.source !== undefined) return how.source.body
    const stream: unknown = Reflect.get(own, 'body', this)
    if (how === undefined || !(stream instanceof ReadableStream)) return stream
    how.begun()
    how.stream ??= watchEnd(stream, (end) => (end.how === 'broken' ? how.broke(end.reason) : how.ended()))
    return how.stream
  }

  function bodyUsed(this: Marked): unknown {
    return this[WATCHED]?.source?.bodyUsed ?? Reflect.get(own, 'bodyUsed', this)
  }

  function clone(this: Response & Marked): unknown {
    const source = this[WATCHED]?.source
    if (source === undefined) return Reflect.apply(cloneOfOwn, this, [])
    const { status, statusText, headers } = this
    return new Response(source.clone().body, { status, statusText, headers })
  }
}

function reader(name: (typeof READERS)[number], original: CallableFunction): (this: Marked) => unknown {
  return function read(this: Marked): unknown {
    const how = this[WATCHED]
    if (how === undefined) return Reflect.apply(original, this, [])
    if (how.source !== undefined) return how.source[name]()
    how.begun()
    const reading: unknown = Reflect.apply(original, this, [])
    if (reading instanceof Promise) reading.then(how.ended, how.broke)
    return reading
  }
}
