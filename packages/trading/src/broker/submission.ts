/** One intent from beginning to end: written down, sent, and when nobody knows, looked up before anything else. */
import { isRejection } from 'holdfast'
import { InvalidRequestError, NotReadyError, OrderInDoubtError } from '../errors.ts'
import { isSettled, type JournalEntry, type ReconciliationEvidence } from '../journal/journal-entry.ts'
import { type Intent, isOrderOf, type Order, sameIntent } from './order.ts'
import type { OrderDesk } from './order-desk.ts'
import { messageOf, type OrderEvidence, orderEvidence } from './order-evidence.ts'
import { type OrderOutcome, outcomeOf } from './order-outcome.ts'
import { TOO_LATE, waitUntil } from './wait.ts'

/** How long an attempt that was given up may take to say what became of it, in milliseconds. SDKs say it at once. */
const EVIDENCE_MS = 50

/** How often an order is sent again after the broker has said, throughout the settle time, that it does not have it. */
const MAX_RESENDS = 2

/** What a round of sending came to: an order, or what its failure proves. */
type Round =
  | { readonly order: Order; readonly isLate: boolean }
  | { readonly failed: OrderEvidence; readonly error: unknown }

/** Sends one intent. The desk sees to it that there is never more than one submission of an intent. */
export class Submission {
  readonly intent: Intent
  readonly #desk: OrderDesk
  readonly #deadlineAt: number
  readonly #callersSignal: AbortSignal | undefined
  /** Aborted when nothing more of it shall be sent. */
  readonly #stop = new AbortController()
  /** Aborted when nothing new may leave: what has left already is left to arrive. */
  readonly #halt = new AbortController()
  readonly #proven: Promise<OrderOutcome>
  #prove: (outcome: OrderOutcome) => void = () => undefined
  #isWithAdapter = false

  constructor(
    desk: OrderDesk,
    intent: Intent,
    options: { readonly timeoutMs: number; readonly signal: AbortSignal | undefined },
  ) {
    this.#desk = desk
    this.intent = intent
    this.#deadlineAt = desk.clock.now() + options.timeoutMs
    this.#callersSignal = options.signal
    this.#proven = new Promise((resolve) => {
      this.#prove = resolve
    })
  }

  /** Nothing more of it is sent. What is on the wire already is left to arrive, and only the adapter knows whether it is. */
  stop(reason: unknown): void {
    this.#halt.abort(reason)
    if (!this.#isWithAdapter) this.#stop.abort(reason)
  }

  /** The broker has it, as was learnt elsewhere: that ends every wait and every further attempt. */
  prove(order: Order, evidence: ReconciliationEvidence): void {
    this.#prove({ status: 'accepted', clientOrderId: this.intent.clientOrderId, order, evidence })
    this.#stop.abort(new NotReadyError('it is known already that the broker has the order'))
  }

  /** @param isNew whether its id was made just now, so that the journal cannot know it */
  async run(isNew: boolean): Promise<OrderOutcome> {
    // Not the caller's own reason: it would come back as the attempt's error, and might look like a proof that nothing was sent.
    const giveUp = (): void => this.#stop.abort(new DOMException('the caller has given up', 'AbortError'))
    this.#callersSignal?.addEventListener('abort', giveUp)
    if (this.#callersSignal?.aborted) giveUp()
    try {
      return await Promise.race([this.#work(isNew), this.#proven])
    } finally {
      this.#callersSignal?.removeEventListener('abort', giveUp)
    }
  }

  async #work(isNew: boolean): Promise<OrderOutcome> {
    const obstacle = await this.#obstacle()
    if (obstacle !== undefined) return neverSent(this.intent, obstacle)
    const { intent } = this
    const { clientOrderId } = intent
    let known: JournalEntry | undefined
    try {
      known = isNew ? undefined : await this.#desk.book.find(clientOrderId)
    } catch (error) {
      return neverSent(intent, error)
    }
    if (known !== undefined && !sameIntent(known.intent, intent)) throw this.#idIsTaken()
    if (known === undefined || known.resendable) {
      this.#desk.book.begin({ type: 'intended', clientOrderId, at: this.#desk.clock.wallTime(), intent }, known)
      return await this.#send()
    }
    if (isSettled(known)) return outcomeOf(known)
    return (await this.#lookUp(known.reason)) ?? (await this.#send())
  }

  /** What keeps it from being sent at all. */
  async #obstacle(): Promise<unknown> {
    const { clock, halted } = this.#desk
    if (halted !== undefined) return halted
    try {
      const ready = await waitUntil(this.#desk.ready(), this.#deadlineAt, clock, this.#stop.signal)
      if (this.#stop.signal.aborted) return this.#stop.signal.reason
      if (ready !== TOO_LATE) return this.#desk.halted
      return new NotReadyError('orders of an earlier process are still being looked up; come back when that is done')
    } catch (error) {
      return error
    }
  }

  /** Sends it, and goes on until it is known what became of it, or time is up. */
  async #send(): Promise<OrderOutcome> {
    for (let resends = 0; ; resends++) {
      const round = await this.#sendRound()
      const outcome = 'order' in round ? this.#accepted(round) : await this.#afterFailure(round)
      if (outcome !== undefined) return outcome
      if (resends === MAX_RESENDS) return this.#inDoubt('the broker neither has the order nor takes it')
    }
  }

  /** @returns undefined when the broker does not have it, as far as it knows, and takes no second one: it may be sent again */
  async #afterFailure({ failed, error }: Extract<Round, { failed: OrderEvidence }>): Promise<OrderOutcome | undefined> {
    const { intent } = this
    const { clientOrderId } = intent
    const desk = this.#desk
    const reason = messageOf(error)
    // Of an order that may have arrived before, a refusal of another copy says nothing: the first may be what is in its way.
    const isOnlyCopy = desk.book.get(clientOrderId)?.doubt === undefined
    if (isOnlyCopy && failed.proves === 'never-sent') {
      desk.settle(clientOrderId, { type: 'never-sent', reason })
      return neverSent(intent, error, failed.retryAfterMs)
    }
    if (isOnlyCopy && failed.proves === 'refused')
      return this.#refused(reason, !failed.isFinal, error, failed.retryAfterMs)
    if (failed.proves === 'duplicate' && (await this.#isAnothers())) {
      return this.#refused('the broker has another order with this client order id', false, error)
    }
    desk.doubt(clientOrderId, reason)
    if (failed.proves !== 'duplicate') return await this.#lookUp(error)
    // Refused as a second one: it must be there, so it is not sent again even if it does not show yet.
    return (await this.#lookUp(error, true)) ?? this.#inDoubt(error)
  }

  #refused(reason: string, resendable: boolean, cause: unknown, retryAfterMs?: number): OrderOutcome {
    const { intent } = this
    const { clientOrderId } = intent
    this.#desk.settle(clientOrderId, { type: 'refused', reason, resendable })
    return { status: 'refused', clientOrderId, intent, reason, resendable, retryAfterMs, cause }
  }

  /** An id that is taken at the very first attempt may belong to an order that this journal never saw. */
  async #isAnothers(): Promise<boolean> {
    const { clientOrderId } = this.intent
    if (this.#desk.book.need(clientOrderId).entry.attempts > 1) return false
    try {
      const order = await this.#desk.findNow(clientOrderId)
      return order !== undefined && !isOrderOf(this.intent, order)
    } catch {
      // It cannot be asked now; the looks that follow will.
      return false
    }
  }

  /** Through the guards, which repeat what never left or was turned away. */
  async #sendRound(): Promise<Round> {
    const { adapter, service, clock } = this.#desk
    const { intent } = this
    let last: Promise<Order> | undefined
    try {
      const order = await service.execute(
        async ({ signal }) => {
          const attempt = { attempt: await this.#writeAhead(), signal, halt: this.#halt.signal }
          // The disk may have taken longer than the attempt had: then it was given up, and must not be sent any more.
          signal.throwIfAborted()
          this.#isWithAdapter = true
          last = intent.kind === 'order' ? adapter.placeOrder(intent, attempt) : adapter.replaceOrder(intent, attempt)
          return await last.finally(() => this.#leaveAdapter())
        },
        {
          operation: intent.kind === 'order' ? 'submitOrder' : 'replaceOrder',
          idempotent: false,
          signal: this.#stop.signal,
          timeoutMs: Math.max(1, this.#deadlineAt - clock.now()),
        },
      )
      return { order, isLate: false }
    } catch (error) {
      if (last !== undefined) return await this.#becameOf(last, error)
      const retryAfterMs = isRejection(error) ? error.retryAfterMs : undefined
      return { failed: { proves: 'never-sent', retryAfterMs }, error }
    }
  }

  /** On disk before a byte leaves. @returns the number of the attempt */
  async #writeAhead(): Promise<number> {
    const { halted, book } = this.#desk
    const { clientOrderId } = this.intent
    const { entry, doubt } = book.need(clientOrderId)
    if (halted !== undefined) this.#stop.abort(halted)
    if (doubt !== undefined && entry.isUnwanted)
      this.#stop.abort(new NotReadyError('all orders were cancelled meanwhile'))
    this.#stop.signal.throwIfAborted()
    try {
      const attempt = entry.attempts + 1
      await book.note(clientOrderId, { type: 'sending', attempt })
      return attempt
    } catch (error) {
      // Aborted, not only thrown: that the journal fails is no fault of the broker's.
      this.#stop.abort(error)
      throw error
    }
  }

  #leaveAdapter(): void {
    this.#isWithAdapter = false
    const { halted } = this.#desk
    if (halted !== undefined) this.#stop.abort(halted)
  }

  /** A call that timed out or was given up knows less than its attempt, which settles by now or never. */
  async #becameOf(last: Promise<Order>, error: unknown): Promise<Round> {
    const { clock } = this.#desk
    try {
      const answer = await waitUntil(last, clock.now() + EVIDENCE_MS, clock)
      if (answer !== TOO_LATE) return { order: answer, isLate: true }
    } catch (own) {
      const failed = orderEvidence(own)
      const { aborted, reason } = this.#halt.signal
      return { failed, error: aborted && failed.proves === 'never-sent' ? reason : own }
    }
    last.then(
      (order) => this.#desk.prove(this.intent.clientOrderId, order, 'late-answer'),
      () => undefined,
    )
    return { failed: { proves: 'nothing' }, error }
  }

  /** @returns undefined when the broker knows of no such order, and would refuse a second one: it may be sent again */
  async #lookUp(cause: unknown, isTaken = false): Promise<OrderOutcome | undefined> {
    const { clock, adapter } = this.#desk
    const { clientOrderId } = this.intent
    const found = await waitUntil(
      this.#desk.lookUp(clientOrderId, isTaken),
      this.#deadlineAt,
      clock,
      this.#callersSignal,
    )
    if (found !== TOO_LATE && found !== undefined) {
      return { status: 'accepted', clientOrderId, order: found, evidence: isTaken ? 'duplicate-id' : 'lookup' }
    }
    const { entry } = this.#desk.book.need(clientOrderId)
    const isOver = found === TOO_LATE || this.#stop.signal.aborted || this.#desk.halted !== undefined
    return isOver || entry.isUnwanted || isSettled(entry) || !adapter.refusesDuplicateIds
      ? this.#inDoubt(cause)
      : undefined
  }

  #accepted({ order, isLate }: Extract<Round, { order: Order }>): OrderOutcome {
    const { clientOrderId } = this.intent
    this.#desk.settle(clientOrderId, { type: 'accepted', order })
    return { status: 'accepted', clientOrderId, order, evidence: isLate ? 'late-answer' : 'answer' }
  }

  #inDoubt(cause: unknown): OrderOutcome {
    const { clientOrderId } = this.intent
    const { entry } = this.#desk.book.need(clientOrderId)
    if (isSettled(entry)) return outcomeOf(entry)
    return { status: 'in-doubt', clientOrderId, entry, error: new OrderInDoubtError(entry, cause) }
  }

  #idIsTaken(): InvalidRequestError {
    const rule = 'it stands for another order already, and an id is for one intent: choose another id'
    return new InvalidRequestError('clientOrderId', this.intent.clientOrderId, rule)
  }
}

function neverSent(intent: Intent, cause: unknown, retryAfterMs?: number): OrderOutcome {
  const { clientOrderId } = intent
  return { status: 'never-sent', clientOrderId, intent, reason: messageOf(cause), retryAfterMs, cause }
}
