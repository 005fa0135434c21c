import type { Fault } from '../faults/fault-book.ts'
import type { TwsFaultRule } from './tws-fault-rule.ts'
import type { TwsServer } from './tws-server.ts'
import type { TwsSession } from './tws-session.ts'
import type { FieldReader } from './wire/field-reader.ts'

/** A message that is being handled. */
export interface RequestContext {
  readonly session: TwsSession
  readonly tws: TwsServer
  readonly message: readonly string[]
  /** Reads the message from its second field on. */
  readonly fields: FieldReader
  readonly fault: Fault<TwsFaultRule> | undefined
}

/** Does what a message asks for. @throws BadMessageError when it cannot be read */
export type RequestHandler = (context: RequestContext) => void
