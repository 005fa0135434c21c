import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { ROOT } from './run-program.ts'

/** Folders without documents of ours. */
const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', '.git', '.tmp', '.generated', 'coverage'])

/** A document of the repo. */
export interface Document {
  /** From the root of the repo. */
  readonly path: string
  readonly text: string
}

/** A fenced block of code. */
export interface Block {
  /** Where it stands: `docs/patterns/retry.md:7`. */
  readonly where: string
  readonly code: string
  /** The lines that it says it prints, if it does. */
  readonly prints: readonly string[] | undefined
}

/** All documents of the repo. */
export async function documents(folder: string = ROOT): Promise<Document[]> {
  const found: Document[] = []
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !SKIPPED.has(entry.name)) found.push(...(await documents(path)))
    if (entry.isFile() && entry.name.endsWith('.md')) {
      found.push({ path: relative(ROOT, path), text: await readFile(path, 'utf8') })
    }
  }
  return found
}

/** The document of that path. @throws when there is none */
export async function documentAt(path: string): Promise<Document> {
  return { path, text: await readFile(join(ROOT, path), 'utf8') }
}

/** The TypeScript in a document. */
export function blocksOf({ path, text }: Document): Block[] {
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => {
    const code = match[1] ?? ''
    const line = text.slice(0, match.index).split('\n').length
    const printed = code.split('\n// prints:\n')[1]
    const prints = printed
      ?.trimEnd()
      .split('\n')
      .map((comment) => comment.replace(/^\/\/ ?/, ''))
    return { where: `${path}:${line}`, code, prints }
  })
}

/** The relative links of a document that lead nowhere: to no file, or to no heading of it. */
export function deadLinks({ path, text }: Document, byPath: ReadonlyMap<string, Document>, exists: Exists): string[] {
  const prose = text.replace(/^```.*?^```$/gms, '')
  const targets = [...prose.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '')
  return targets.filter((target) => {
    if (/^[a-z]+:/.test(target)) return false
    const [file = '', anchor] = target.split('#')
    const at = file === '' ? path : relative(ROOT, resolve(ROOT, dirname(path), file))
    if (!exists(join(ROOT, at))) return true
    const document = byPath.get(at)
    return anchor !== undefined && (document === undefined || !anchorsOf(document).has(anchor))
  })
}

/** Whether there is a file or folder. */
type Exists = (path: string) => boolean

/** The headings as GitHub makes anchors of them. */
function anchorsOf({ text }: Document): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map((match) => match[1] ?? '')
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .trim()
        .replaceAll(' ', '-'),
    ),
  )
}

/** The rows of the first table whose head begins with those cells, by their first cell; marks of code are taken off. */
export function tableOf({ path, text }: Document, head: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const lines = text.split('\n')
  const at = lines.findIndex((line) => head.every((cell, index) => cellsOf(line)[index] === cell))
  if (at < 0) throw new Error(`${path} has no table that begins with ${head.join(' | ')}`)
  const end = lines.findIndex((line, index) => index > at && !line.startsWith('|'))
  return new Map(
    lines.slice(at + 2, end).map((line) => {
      const [first = '', ...others] = cellsOf(line)
      return [first, others]
    }),
  )
}

function cellsOf(line: string): string[] {
  return line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', ''))
}
