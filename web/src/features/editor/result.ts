// A result as the page has it: its header, and questions to the worker that has its rows.
import type { Result as Answered } from '../../api/client'
import type { FromWorker, ToWorker } from './rows.worker'

export interface Column {
  name: string
  /** As the engine names it, `DECIMAL(10,2)`. */
  type: string
  kind: 'number' | 'text' | 'time' | 'truth' | 'nested'
}

export interface Header {
  columns: Column[]
  rows: number
  /** In order; `from` is the first one's row. */
  chunks: { from: number; rows: number; bytes: number }[]
  truncated: boolean
}

export interface Filter {
  column: number
  how: 'contains' | '=' | '≠' | '<' | '>' | 'null' | 'not null'
  value: string
}

export interface Arrangement {
  sort: { column: number; descending: boolean } | null
  filters: Filter[]
}

export interface Loaded {
  rows: number
  whole: boolean
}

export interface Statistics extends Loaded {
  /** Only rows that a filter lets through. */
  filtered: boolean
  nulls: number
  distinct: number
  /** False when there are more distinct values than were counted. */
  exact: boolean
  min: string | null
  max: string | null
  mean: number | null
  top: { value: string; times: number }[]
}

export interface PlotWish {
  /** The number of the row, where it is null. */
  x: number | null
  ys: number[]
  how: 'none' | 'sum' | 'avg' | 'min' | 'max' | 'count'
}

export interface Plot {
  points: { x: string | null; y: (number | null)[] }[]
  /** How many rows are in it, and of how many. */
  rows: number
  of: number
  cut: boolean
}

export type FileKind = 'csv' | 'xlsx'

type Manifest = NonNullable<Answered<'GET /api/2.0/sql/statements/{statement_id}'>['manifest']>

const KINDS: Record<string, Column['kind']> = {
  BYTE: 'number', SHORT: 'number', INT: 'number', LONG: 'number', FLOAT: 'number', DOUBLE: 'number', DECIMAL: 'number',
  DATE: 'time', TIMESTAMP: 'time', BOOLEAN: 'truth', ARRAY: 'nested', MAP: 'nested', STRUCT: 'nested',
}

export function headerOf(manifest: Manifest): Header {
  return {
    columns: (manifest.schema?.columns ?? []).map((each) => ({
      name: each.name ?? '',
      type: each.type_text ?? '',
      kind: KINDS[each.type_name ?? ''] ?? 'text',
    })),
    rows: manifest.total_row_count ?? 0,
    chunks: (manifest.chunks ?? []).map((each) => ({ from: each.row_offset ?? 0, rows: each.row_count ?? 0, bytes: each.byte_count ?? 0 })),
    truncated: manifest.truncated ?? false,
  }
}

/** Its rows, by whatever keeps them. */
export interface Source {
  header: Header
  rows(from: number, to: number): Promise<(string | null)[][]>
  /** @returns how many rows are shown from now on */
  arrange(how: Arrangement, told: (loaded: Loaded) => void): Promise<number>
  statistics(column: number, whole: boolean, told: (loaded: Loaded) => void): Promise<Statistics>
  plot(wish: PlotWish, told: (loaded: Loaded) => void): Promise<Plot>
  /** All rows, as they are arranged, as a file. */
  file(kind: FileKind, told: (loaded: Loaded) => void): Promise<Blob>
  close(): void
}

/** What a question asks, without the number that its answer has too. */
type Question<T = ToWorker> = T extends unknown ? Omit<T, 'id'> : never

/** Starts a worker of its own for the rows of a statement. */
export function openResult(statementId: string, workspaceId: string, header: Header): Source {
  const worker = new Worker(new URL('./rows.worker.ts', import.meta.url), { type: 'module' })
  const waiting = new Map<number, { done: (value: never) => void; failed: (problem: Error) => void; told: (loaded: Loaded) => void }>()
  let last = 0
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    const asker = waiting.get(data.id)
    if ('told' in data) {
      asker?.told(data.told)
      return
    }
    waiting.delete(data.id)
    if ('failed' in data) {
      asker?.failed(new Error(data.failed))
    } else {
      asker?.done(data.answer as never)
    }
  }
  worker.onerror = (event) => {
    waiting.forEach(({ failed }) => failed(new Error(event.message || 'The rows could not be kept: the browser ended what keeps them.')))
    waiting.clear()
  }
  function ask<T>(question: Question, told: (loaded: Loaded) => void = () => {}): Promise<T> {
    return new Promise<T>((done, failed) => {
      const id = ++last
      waiting.set(id, { done, failed, told })
      worker.postMessage({ id, ...question })
    })
  }
  void ask({ ask: 'open', statementId, workspaceId, header })
  return {
    header,
    rows: (from, to) => ask({ ask: 'rows', from, to }),
    arrange: (how, told) => ask({ ask: 'arrange', how }, told),
    statistics: (column, whole, told) => ask({ ask: 'statistics', column, whole }, told),
    plot: (wish, told) => ask({ ask: 'plot', wish }, told),
    file: (kind, told) => ask({ ask: 'file', kind }, told),
    close: () => worker.terminate(),
  }
}
