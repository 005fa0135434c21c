import { render } from 'preact'
import { App } from './shell/app.tsx'
import { startKeys } from './shell/keys.ts'
import { startRouter } from './state/router.ts'
import { resumeSession } from './state/session.ts'
import { every, startTime } from './state/time.ts'

const place = document.getElementById('app')
if (place === null) throw new Error('index.html has no #app')
render(<App />, place)
startRouter()
startKeys()
startTime()
resume()

/** A gateway that cannot be asked yet is asked again. */
function resume(): void {
  resumeSession().catch(() => {
    const stop = every(1_000, () => {
      stop()
      resume()
    })
  })
}
