/** Who is signed in, and acts in his name. */
import { type Signal, signal } from '@preact/signals'
import type { ActRequest, AuditEntry, Role, SessionView } from '../api.ts'
import { ask, GatewayError, send } from './http.ts'

/** Nobody yet known, nobody, or somebody. */
export type Session =
  | { readonly is: 'unknown' }
  | { readonly is: 'nobody' }
  | ({ readonly is: 'somebody' } & Pick<SessionView, 'name' | 'role'>)

/** Who is signed in. */
export const session: Signal<Session> = signal({ is: 'unknown' })

/** Looks whether somebody is signed in, or signs in with the token that the address brought. */
export async function resumeSession(): Promise<void> {
  const token = new URLSearchParams(location.hash.slice(1)).get('token')
  if (token !== null) {
    // Out of the address, before anybody copies it.
    history.replaceState(null, '', location.pathname + location.search)
    return signIn(token).catch(() => {
      session.value = { is: 'nobody' }
    })
  }
  try {
    welcome(await ask<SessionView>('/v1/session'))
  } catch (error) {
    if (error instanceof GatewayError && error.status === 401) session.value = { is: 'nobody' }
    else throw error
  }
}

/** Signs in. @throws GatewayError when the token is not known */
export async function signIn(token: string): Promise<void> {
  welcome(await send<SessionView>('/v1/session', { token }))
}

/** Signs out. */
export async function signOut(): Promise<void> {
  await ask('/v1/session', { method: 'DELETE' })
  session.value = { is: 'nobody' }
}

/** The session is over. */
export function forgetSession(): void {
  session.value = { is: 'nobody' }
}

/** Whether who is signed in has that role, or more. */
export function may(role: Role): boolean {
  const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 }
  const { value } = session
  return value.is === 'somebody' && rank[value.role] >= rank[role]
}

/** Does something. Each act needs a fresh token against forgery. @throws GatewayError */
export async function perform(act: ActRequest): Promise<AuditEntry> {
  const { csrfToken } = await ask<SessionView>('/v1/session')
  return send<AuditEntry>('/v1/resilience/acts', act, { 'x-csrf-token': csrfToken })
}

function welcome({ name, role }: SessionView): void {
  session.value = { is: 'somebody', name, role }
}
