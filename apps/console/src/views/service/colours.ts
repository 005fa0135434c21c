/** The page's colours, for what is drawn on a canvas: it knows no custom properties. */
const NAMES = ['ink', 'mute', 'line', 'panel', 'ok', 'bad', 'warn', 'accent', 'ok-bg', 'bad-bg', 'warn-bg', 'off-bg', 'band', 'failed'] as const

/** The colours as they are now, light or dark. */
export function colours(): Readonly<Record<string, string>> {
  const style = getComputedStyle(document.documentElement)
  return Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]))
}
