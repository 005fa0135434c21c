/** How it goes with the fleet, in words. */
import type { FleetView } from '../api.ts'

export function sentenceOfFleet({ members, shards }: Pick<FleetView, 'members' | 'shards'>): string {
  if (members === null) {
    return shards.some(({ sharing }) => sharing)
      ? 'Redis is away: this gateway keeps to its share of each limit.'
      : 'Redis is away: this gateway admits what it has in hand, until it goes on its share of each limit.'
  }
  const silent = members.filter(({ isAlone }) => isAlone)
  const processes = `${members.length} ${members.length === 1 ? 'process' : 'processes'}`
  if (silent.length === 0) return `${processes}, and all are heard of.`
  const kept = Math.round(silent.reduce((sum, { part }) => sum + part, 0) * 100)
  const whom = silent.length === 1 ? 'it' : 'them'
  return `${processes}, of which ${silent.length} ${silent.length === 1 ? 'is' : 'are'} silent: gone, or cut off from Redis. ${kept} % of each limit is kept for ${whom}.`
}
