import { useSignal } from '@preact/signals'
import type { TargetedSubmitEvent } from 'preact'
import { Mark } from '../../parts/mark.tsx'
import { signIn } from '../../state/session.ts'

/** Where nobody is signed in. */
export function SignIn() {
  const complaint = useSignal('')
  const busy = useSignal(false)
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault()
    busy.value = true
    const token = String(new FormData(event.currentTarget).get('token') ?? '').trim()
    try {
      await signIn(token)
    } catch (error) {
      complaint.value = error instanceof Error ? error.message : String(error)
    }
    busy.value = false
  }
  return (
    <main class="sign-in">
      <form class="card" onSubmit={submit}>
        <h1>
          <Mark /> Holdfast
        </h1>
        <p class="soft">Sign in with your token. On your own machine, open the address that the start prints.</p>
        <label class="field">
          <span>Token</span>
          <input
            name="token"
            type="password"
            required
            maxLength={200}
            autocomplete="current-password"
            spellcheck={false}
          />
        </label>
        <p class="dialog-error" role="alert">
          {complaint.value}
        </p>
        <button type="submit" class="main" disabled={busy.value}>
          Sign in
        </button>
      </form>
    </main>
  )
}
