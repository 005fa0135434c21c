const FASTIFYS_OWN: ReadonlySet<string> = new Set(['prefix', 'logLevel', 'logSerializers'])

/** `register` takes options of Fastify's along with a plugin's; what is left is checked, misspelt names too. */
export function withoutFastifysOwn<Options extends object>(options: Options): Partial<Options> {
  const own: Partial<Options> = { ...options }
  for (const name of FASTIFYS_OWN) Reflect.deleteProperty(own, name)
  return own
}
