import { type Signal, signal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'

/** Whether the list of keys is open. */
export const helpOpen: Signal<boolean> = signal(false)

const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
  [['/'], 'find a service'],
  [['j', 'k'], 'next, previous service'],
  [['Enter'], 'open it'],
  [['t'], 'keep its circuit open…'],
  [['r'], 'reset its circuit…'],
  [['g', 'b'], 'board'],
  [['g', 'f'], 'flow'],
  [['g', 'i'], 'incidents'],
  [['g', 'r'], 'rehearsal'],
  [['g', 'a'], 'audit'],
  [['←', '→'], 'move through a chart in focus'],
  [['Esc'], 'close'],
]

/** The list of keys. */
export function Help() {
  return helpOpen.value ? <OpenHelp /> : null
}

function OpenHelp() {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => dialog.current?.showModal(), [])
  return (
    <dialog ref={dialog} class="dialog" aria-labelledby="help-title" onClose={() => (helpOpen.value = false)}>
      <h2 id="help-title">Keys</h2>
      <dl class="keys">
        {KEYS.map(([keys, what]) => (
          <div key={what}>
            <dt>
              {keys.map((key) => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <div class="dialog-ends">
        <button type="button" class="main" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </dialog>
  )
}
