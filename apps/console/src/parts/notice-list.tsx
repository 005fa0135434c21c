import { doneText } from '../model/acts.ts'
import { dismiss, type Notice, notices, notify } from '../state/notices.ts'
import { perform } from '../state/session.ts'

/** The notices at the foot of the page. */
export function NoticeList() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={notice.bad ? 'notice notice-bad' : 'notice'}>
          <span>{notice.text}</span>
          {notice.undo !== undefined && (
            <button type="button" onClick={() => takeBack(notice)}>
              Take back
            </button>
          )}
          <button type="button" class="quiet" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>
            ×
          </button>
        </div>
      ))}
    </div>
  )
}

async function takeBack({ id, undo }: Notice): Promise<void> {
  if (undo === undefined) return
  dismiss(id)
  try {
    await perform(undo)
    notify(doneText(undo, null))
  } catch (error) {
    notify(error instanceof Error ? error.message : String(error), { bad: true })
  }
}
