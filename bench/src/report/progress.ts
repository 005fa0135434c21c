/** Progress of long work: a line that changes on a terminal, nothing elsewhere. */
export interface Progress {
  tick(done: number, of: number): void
  done(): void
}

const WIDTH = 24

export function progress(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) return { tick: () => {}, done: () => {} }
  const show = (share: number): void => {
    const full = Math.round(share * WIDTH)
    stream.write(`\r${label} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${Math.round(share * 100)} %`)
  }
  show(0)
  return {
    tick: (done, of) => show(done / of),
    done: () => stream.write(`\r${' '.repeat(label.length + WIDTH + 8)}\r`),
  }
}
