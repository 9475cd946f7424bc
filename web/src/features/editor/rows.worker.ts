// The worker's end: asks the API for chunks, and answers the page's questions one after the other.
import { call } from '../../api/client'
import { csv, xlsx } from './files'
import type { Arrangement, FileKind, Header, Loaded, PlotWish } from './result'
import { makeRows, type Rows } from './rows'

export type ToWorker = { id: number } & (
  | { ask: 'open'; statementId: string; workspaceId: string; header: Header }
  | { ask: 'rows'; from: number; to: number }
  | { ask: 'arrange'; how: Arrangement }
  | { ask: 'statistics'; column: number; whole: boolean }
  | { ask: 'plot'; wish: PlotWish }
  | { ask: 'file'; kind: FileKind }
)

export type FromWorker = { id: number } & ({ answer: unknown } | { failed: string } | { told: Loaded })

let rows: Rows

/** A link is good without a session, and belongs to this server: the page may be under another of its names. */
async function chunkOf(statement_id: string, workspaceId: string, chunk_index: number): Promise<(string | null)[][]> {
  const chunk = await call('GET /api/2.0/sql/statements/{statement_id}/result/chunks/{chunk_index}', { statement_id, chunk_index }, undefined, workspaceId)
  const link = chunk.external_links?.[0]?.external_link
  if (!link) {
    return (chunk.data_array ?? []) as (string | null)[][]
  }
  const { pathname, search } = new URL(link)
  const answer = await fetch(pathname + search, { credentials: 'omit' })
  if (!answer.ok) {
    throw new Error(`Part ${chunk_index} of the result could not be fetched: the server answered ${answer.status}.`)
  }
  return (await answer.json()) as (string | null)[][]
}

async function answer(to: ToWorker, told: (loaded: Loaded) => void): Promise<unknown> {
  switch (to.ask) {
    case 'open':
      rows = makeRows(to.header, (index) => chunkOf(to.statementId, to.workspaceId, index))
      return undefined
    case 'rows':
      return rows.rows(to.from, to.to)
    case 'arrange':
      return rows.arrange(to.how, told)
    case 'statistics':
      return rows.statistics(to.column, to.whole, told)
    case 'plot':
      return rows.plot(to.wish, told)
    case 'file':
      return to.kind === 'csv' ? csv(rows, told) : xlsx(rows, told)
  }
}

globalThis.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  const say = (what: FromWorker) => globalThis.postMessage(what)
  answer(data, (told) => say({ id: data.id, told })).then(
    (found) => say({ id: data.id, answer: found }),
    (problem: unknown) => say({ id: data.id, failed: problem instanceof Error ? problem.message : String(problem) }),
  )
}
