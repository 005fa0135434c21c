/** The console's page: files that were built before, held in memory, under a strict policy. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** Nothing but what the gateway itself serves; no script or style in the page; in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const

interface PageFile {
  readonly type: string
  readonly bytes: Buffer
  readonly zipped: Buffer | undefined
  readonly tag: string
  /** Its name changes with its content, so that it may be kept for ever. */
  readonly fixed: boolean
}

/** Serves the page at `/console`. @param folder where it was built @throws when it was not */
export function consoleRoutes(app: FastifyInstance, folder: string): void {
  const files = readFiles(folder)
  const page = files.get('index.html')
  if (page === undefined) throw new Error(`there is no index.html in ${folder}; run npm run build:console`)
  app.get('/console', (_request, reply) => reply.redirect('/console/', 308))
  app.get<{ Params: { '*': string } }>('/console/*', (request, reply) => {
    const file = files.get(request.params['*'])
    // Every other address is a view of the page.
    return send(request, reply, file ?? page)
  })
}

function send({ headers }: FastifyRequest, reply: FastifyReply, file: PageFile): FastifyReply {
  reply.headers({ ...HEADERS, etag: file.tag, vary: 'accept-encoding' })
  reply.header('cache-control', file.fixed ? 'public, max-age=31536000, immutable' : 'no-cache')
  if (headers['if-none-match'] === file.tag) return reply.code(304).send()
  reply.type(file.type)
  const unzipped = file.zipped === undefined || !/\bgzip\b/.test(String(headers['accept-encoding'] ?? ''))
  return unzipped ? reply.send(file.bytes) : reply.header('content-encoding', 'gzip').send(file.zipped)
}

function readFiles(folder: string): ReadonlyMap<string, PageFile> {
  const files = new Map<string, PageFile>()
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const type = TYPES[extname(entry.name)]
    if (!entry.isFile() || type === undefined) continue
    const path = join(entry.parentPath, entry.name)
    const bytes = readFileSync(path)
    const name = relative(folder, path).split(sep).join('/')
    files.set(name, {
      type,
      bytes,
      zipped: entry.name.endsWith('.woff2') ? undefined : gzipSync(bytes, { level: 9 }),
      tag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 22)}"`,
      fixed: name.startsWith('assets/'),
    })
  }
  return files
}
