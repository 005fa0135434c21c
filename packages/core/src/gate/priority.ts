/** How urgent a call is: cancels and risk checks are `critical`, what nobody waits for is `background`. */
export type Priority = 'critical' | 'normal' | 'background'

/** The priorities, the most urgent first: who waits is served in this order. */
export const PRIORITIES: readonly Priority[] = ['critical', 'normal', 'background']

/** The place of a priority in that order. */
export function laneOf(priority: Priority | undefined): number {
  return priority === 'critical' ? 0 : priority === 'background' ? 2 : 1
}
