/** Strikes keys out of URLs within a text, whatever their parameter is called. */
export function redactUrl(text: string): string {
  return text.replace(/([?&](?:api_?key|token|crumb)=)[^&\s"']*/gi, '$1redacted')
}
