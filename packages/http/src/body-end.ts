/**
 * The same stream, and somebody who is told once when it is over: read to its end, broken, or given up by its reader.
 * Reads nothing before it is read itself.
 *
 * @param onEnd told without an argument when it was read to its end, with what broke it or the reason of the reader otherwise
 */
export function watchEnd(
  stream: ReadableStream<Uint8Array>,
  onEnd: (end: { readonly how: 'read' } | { readonly how: 'broken' | 'given-up'; readonly reason: unknown }) => void,
): ReadableStream<Uint8Array> {
  const reader = stream.getReader()
  return new ReadableStream<Uint8Array>(
    {
      pull: async (controller) => {
        try {
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          onEnd({ how: 'read' })
          controller.close()
        } catch (reason) {
          onEnd({ how: 'broken', reason })
          controller.error(reason)
        }
      },
      cancel: async (reason) => {
        onEnd({ how: 'given-up', reason })
        await reader.cancel(reason)
      },
    },
    { highWaterMark: 0 },
  )
}
