import { TradingError } from '../errors.ts'

/** TWS answered a request with an error, or the connection ended before it did. */
export class TwsError extends TradingError {
  override readonly name = 'TwsError'
  /** `TWS_321`, or `TWS_CONNECTION_LOST`: nobody knows whether the request arrived. */
  readonly code: string
  /** TWS's own number; undefined when there was no answer. */
  readonly twsCode: number | undefined

  constructor(message: string, twsCode: number | undefined, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = twsCode === undefined ? 'TWS_CONNECTION_LOST' : `TWS_${twsCode}`
    this.twsCode = twsCode
  }
}

/** There is no session with TWS, so that nothing can be sent. */
export class TwsUnavailableError extends TradingError {
  override readonly name = 'TwsUnavailableError'
  readonly code = 'TWS_UNAVAILABLE'
}
