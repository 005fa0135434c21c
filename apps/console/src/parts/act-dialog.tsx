/** The form of an act: what it will do, until when, why. Opened by a button or a key. */
import { type Signal, signal, useSignal } from '@preact/signals'
import type { TargetedSubmitEvent } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { ActRequest } from '../api.ts'
import { type ActForm, type ActName, doneText, formOf, undoOf } from '../model/acts.ts'
import { moment } from '../model/format.ts'
import { serviceNamed } from '../state/board.ts'
import { notify } from '../state/notices.ts'
import { may, perform } from '../state/session.ts'
import { gatewayTime } from '../state/time.ts'

/** An act that is asked for and not yet done. */
interface Asked {
  readonly act: ActName
  /** Name of the service; empty for orders. */
  readonly target: string
}

const asked: Signal<Asked | undefined> = signal(undefined)

/** Opens the form. */
export function askFor(act: ActName, target = ''): void {
  if (!may(formOf(act, target).role)) {
    notify(`This needs the role ${formOf(act, target).role}.`, { bad: true })
    return
  }
  asked.value = { act, target }
}

/** The form, if one is open. */
export function ActDialog() {
  const { value } = asked
  return value === undefined ? null : <OpenDialog key={`${value.act} ${value.target}`} own={value} />
}

const TIMES: readonly (readonly [label: string, ms: number])[] = [
  ['5 minutes', 300_000],
  ['15 minutes', 900_000],
  ['1 hour', 3_600_000],
  ['4 hours', 14_400_000],
  ['1 day', 86_400_000],
]

function OpenDialog({ own }: { readonly own: Asked }) {
  const { act, target } = own
  const form = formOf(act, target)
  const dialog = useRef<HTMLDialogElement>(null)
  const complaint = useSignal('')
  const busy = useSignal(false)
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal()
  }, [own])
  // Told a moment after it has closed: by then a key may have asked for another.
  const closed = (): void => {
    if (asked.peek() === own) asked.value = undefined
  }
  const close = (): void => dialog.current?.close()

  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    const request = requestOf(act, target, new FormData(event.currentTarget))
    busy.value = true
    complaint.value = ''
    try {
      const { until } = await perform(request)
      notify(doneText(request, until === null ? null : moment(until, gatewayTime())), { undo: undoOf(request) })
      close()
    } catch (error) {
      complaint.value = error instanceof Error ? error.message : String(error)
    }
    busy.value = false
  }

  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="act-title" onClose={closed}>
      <form onSubmit={submit}>
        <h2 id="act-title">
          {form.label}
          {target === '' ? '' : `: ${target}`}
        </h2>
        <p class="dialog-says">{form.says}</p>
        {act === 'set-limit' && <LimitFields target={target} />}
        {act === 'set-slots' && <SlotFields target={target} />}
        {form.time !== 'no' && <TimeField time={form.time} />}
        <label class="field">
          <span>Why</span>
          <textarea
            name="reason"
            required
            minLength={3}
            maxLength={500}
            rows={2}
            placeholder="Goes into the audit, with your name"
          />
        </label>
        <p class="dialog-error" role="alert">
          {complaint.value}
        </p>
        <div class="dialog-ends">
          <button type="button" onClick={close}>
            Cancel
          </button>
          <button type="submit" class={form.danger ? 'main danger' : 'main'} disabled={busy.value}>
            {form.label}
          </button>
        </div>
      </form>
    </dialog>
  )
}

function TimeField({ time }: { readonly time: ActForm['time'] }) {
  return (
    <label class="field">
      <span>Until</span>
      <select name="forMs">
        {TIMES.map(([label, ms]) => (
          <option key={ms} value={ms} selected={ms === 900_000}>
            in {label}
          </option>
        ))}
        {time === 'may' && <option value="">somebody ends it</option>}
      </select>
    </label>
  )
}

function LimitFields({ target }: { readonly target: string }) {
  const limit = serviceNamed(target)?.status.peek().limit
  return (
    <div class="fields">
      <NumberField name="tokensPerSecond" label="Calls a second" value={limit?.tokensPerSecond ?? 1} step="any" />
      <NumberField name="burstSize" label="At once" value={limit?.burstSize ?? 1} step="1" />
    </div>
  )
}

function SlotFields({ target }: { readonly target: string }) {
  return (
    <NumberField
      name="maxConcurrent"
      label="Calls at once"
      value={serviceNamed(target)?.status.peek().slots?.max ?? 1}
      step="1"
    />
  )
}

function NumberField({ name, label, value, step }: { name: string; label: string; value: number; step: 'any' | '1' }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input
        type="number"
        name={name}
        min={step === '1' ? 1 : 0.001}
        step={step}
        required
        defaultValue={String(value)}
        inputMode="decimal"
      />
    </label>
  )
}

function requestOf(act: ActName, service: string, data: FormData): ActRequest {
  const reason = String(data.get('reason') ?? '').trim()
  const forMs = Number(data.get('forMs') ?? '')
  const number = (name: string): number => Number(data.get(name))
  switch (act) {
    case 'trip':
    case 'disable':
      return forMs === 0 ? { act, service, reason } : { act, service, reason, forMs }
    case 'pause':
      return { act, service, reason, forMs }
    case 'set-limit':
      return { act, service, reason, forMs, tokensPerSecond: number('tokensPerSecond'), burstSize: number('burstSize') }
    case 'set-slots':
      return { act, service, reason, forMs, maxConcurrent: number('maxConcurrent') }
    case 'stop-orders':
    case 'allow-orders':
      return { act, reason }
    default:
      return { act, service, reason }
  }
}
