/** How far something is: a line that changes on a terminal, a line now and then elsewhere. */
export interface Progress {
  tick(done: number, of: number): void
  done(): void
}

const WIDTH = 30

/** Where there is no terminal, a line is written after each share of this size. */
const STEP = 0.1

export function progress(label: string, stream: NodeJS.WriteStream = process.stderr): Progress {
  let told = 0
  return {
    tick: (done, of) => {
      const share = of === 0 ? 1 : done / of
      if (stream.isTTY) {
        const full = Math.round(share * WIDTH)
        stream.write(`\r${label} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${done} of ${of}`)
      } else if (share >= told + STEP) {
        told = share
        stream.write(`${label}: ${done} of ${of}\n`)
      }
    },
    done: () => void (stream.isTTY && stream.write(`\r${' '.repeat(label.length + WIDTH + 24)}\r`)),
  }
}
