/** How often a client may be found connecting before it is taken to hang: Redis may take a connection and answer nothing. */
const CONNECTING_LIMIT = 3

/** Whether a client from which nothing comes is given up for another. One that is connecting is given time for it. */
export class ConnectingPatience {
  #foundConnecting = 0

  /** Asked each time when nothing has come for long. */
  isOverFor(client: { readonly isConnecting: boolean }): boolean {
    if (client.isConnecting && ++this.#foundConnecting < CONNECTING_LIMIT) return false
    this.#foundConnecting = 0
    return true
  }
}
