/** The page's colours, for what is drawn on a canvas: it knows no custom properties. */

/** A colour by its name in the styles: `ok`, `bad-bg`. */
export type Palette = (name: string) => string

/** The colours as they are now, light or dark. */
export function colours(): Palette {
  const style = getComputedStyle(document.documentElement)
  return (name) => style.getPropertyValue(`--${name}`).trim()
}
