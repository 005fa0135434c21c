/** The board: the platform in five figures, a tile for each service, and what happened. */
import { type Signal, signal, useComputed } from '@preact/signals'
import type { TargetedKeyboardEvent } from 'preact'
import { useRef } from 'preact/hooks'
import { severity } from '../../model/ranking.ts'
import { HappeningList } from '../../parts/happening-list.tsx'
import { Blank, Skeleton } from '../../parts/panel.tsx'
import { happenings, type LiveService, serviceNamed, services } from '../../state/board.ts'
import { useOrder, useSlide } from './order.ts'
import { Summary } from './summary.tsx'
import { Tile } from './tile.tsx'
import { WorstCard } from './worst-card.tsx'

/** From so many services on, those that are well are shown small. */
const MANY = 12

/** What is looked for. */
const wanted: Signal<string> = signal('')

/** Whether those that are well are small: by number, unless somebody has said. */
const chosenDense: Signal<boolean | undefined> = signal(undefined)

export function Board() {
  const list = services.value
  return (
    <>
      <h1 class="unseen">Board</h1>
      <Summary />
      <div class="board">
        {list === undefined ? <LoadingTiles /> : <Tiles list={list} />}
        <aside class="side" aria-label="What happened">
          <WorstCard />
          <section class="card">
            <h2>What happened</h2>
            {happenings.value.length === 0 ? (
              <p class="soft">Nothing yet.</p>
            ) : (
              <HappeningList list={happenings.value.slice(0, 9)} linked />
            )}
          </section>
        </aside>
      </div>
    </>
  )
}

function Tiles({ list }: { readonly list: readonly LiveService[] }) {
  const grid = useRef<HTMLDivElement>(null)
  const order = useOrder(list, grid)
  const text = wanted.value.trim().toLowerCase()
  const shown = order.value.filter((name) => fits(name, text))
  useSlide(grid, order.value)
  const dense = chosenDense.value ?? list.length > MANY
  return (
    <section class="services" aria-label="Services">
      <div class="bar">
        <h2>Services</h2>
        <Tally />
        <button type="button" class="quiet" aria-pressed={dense} onClick={() => (chosenDense.value = !dense)}>
          Dense
        </button>
        <input
          type="search"
          class="find"
          placeholder="Find a service  /"
          aria-label="Find a service by name, profile or state"
          aria-keyshortcuts="/"
          value={wanted.value}
          onKeyDown={leaveBy}
          onInput={({ currentTarget }) => (wanted.value = currentTarget.value)}
        />
      </div>
      {shown.length === 0 && list.length > 0 && (
        <Blank title={`No service fits “${wanted.value.slice(0, 40)}”`}>
          Look for a part of its name, its profile, or a state such as “open”.
        </Blank>
      )}
      {list.length === 0 && (
        <Blank title="There are no services">They appear here as soon as the gateway calls one.</Blank>
      )}
      <div class={dense ? 'tiles tiles-dense' : 'tiles'} ref={grid}>
        {shown.map((name) => {
          const live = serviceNamed(name)
          return live === undefined ? null : <Tile key={name} live={live} dense={dense} />
        })}
      </div>
    </section>
  )
}

function Tally() {
  const list = services.value ?? []
  const bad = useComputed(
    () => (services.value ?? []).filter(({ status, rates }) => severity(status.value, rates.value) >= 3).length,
  ).value
  return (
    <span class="soft bar-note">{bad === 0 ? 'all well' : `worst first, ${bad} of ${list.length} need a look`}</span>
  )
}

/** Escape forgets what was looked for. The browser empties the field by itself and tells nobody. */
function leaveBy({ key, currentTarget }: TargetedKeyboardEvent<HTMLInputElement>): void {
  if (key !== 'Escape') return
  wanted.value = ''
  currentTarget.blur()
}

function fits(name: string, text: string): boolean {
  if (text === '') return true
  const status = serviceNamed(name)?.status.value
  return [name, status?.profile, status?.state.replace('_', ' ')].some((part) => part?.toLowerCase().includes(text))
}

function LoadingTiles() {
  return (
    <section class="services" aria-label="Services">
      <div class="bar">
        <h2>Services</h2>
      </div>
      <div class="tiles">
        {['a', 'b', 'c', 'd', 'e', 'f'].map((key) => (
          <div key={key} class="tile">
            <Skeleton label="loading" lines={[45, 100, 90, 75, 100, 100]} />
          </div>
        ))}
      </div>
    </section>
  )
}
