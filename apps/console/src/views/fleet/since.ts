/** How long ago something was. */
export function since(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s ago`
}
