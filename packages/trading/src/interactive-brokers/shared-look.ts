/** One look for all who want to look. A look that began before somebody asked may have missed what he asks for. */

export class SharedLook<T> {
  readonly #look: () => Promise<T>
  #running: Promise<T> | undefined
  #next: Promise<T> | undefined

  constructor(look: () => Promise<T>) {
    this.#look = look
  }

  /** Joins a look that begins now or later. @throws what the look throws; the signal's reason */
  take(signal: AbortSignal): Promise<T> {
    signal.throwIfAborted()
    const taken = this.#join()
    return new Promise((resolve, reject) => {
      const giveUp = (): void => reject(signal.reason)
      signal.addEventListener('abort', giveUp, { once: true })
      taken.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
    })
  }

  #join(): Promise<T> {
    if (this.#running === undefined) return this.#begin()
    this.#next ??= this.#after(this.#running)
    return this.#next
  }

  #begin(): Promise<T> {
    const look = this.#look().finally(() => {
      this.#running = undefined
    })
    this.#running = look
    return look
  }

  async #after(running: Promise<T>): Promise<T> {
    await Promise.allSettled([running])
    this.#next = undefined
    return await this.#begin()
  }
}
