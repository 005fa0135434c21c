/** Answers as XML, which is what FRED sends unless it is told otherwise. */

type Attributes = Readonly<Record<string, string | number>>

/** @param inner what stands inside: names and attributes */
export function xml(
  name: string,
  attributes: Attributes,
  inner: readonly (readonly [name: string, attributes: Attributes])[],
): string {
  const lines = inner.map(([child, childAttributes]) => `  <${child}${written(childAttributes)}/>`)
  return [
    '<?xml version="1.0" encoding="utf-8" ?>',
    `<${name}${written(attributes)}>`,
    ...lines,
    `</${name}>`,
    '',
  ].join('\n')
}

function written(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
    .join('')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
