// Statements that were run, and what became of them; they go on while one looks at another tab or page.
import { type Body, call, Problem, type Result as Answered } from '../../api/client'
import type { Parameter } from './parameters'
import { headerOf, openResult, type Source } from './result'
import type { Kept } from './tabs'

type Statement = Answered<'GET /api/2.0/sql/statements/{statement_id}'>
export type State = NonNullable<NonNullable<Statement['status']>['state']>

export interface Run {
  id: string
  text: string
  /** Empty until the server has it. */
  statementId: string
  state: State
  message: string
  /** Milliseconds since 1970; 0 where they are not known. */
  began: number
  ended: number
  source: Source | null
}

/** What a statement runs with. */
export interface With {
  warehouse: string
  catalog: string
  schema: string
  parameters: Parameter[]
}

export interface Wish {
  text: string
  id: string
}

const ENDED: State[] = ['SUCCEEDED', 'FAILED', 'CANCELED', 'CLOSED']
const FIRST = 40
const SLOWEST = 1000
/** Results that one tab has side by side. */
const MOST = 10

export const over = (run: Run) => ENDED.includes(run.state)

/** As a request: the snippets show the same. */
export function requestOf(text: string, { warehouse, catalog, schema, parameters }: With): Body<'POST /api/2.0/sql/statements'> {
  return {
    statement: text,
    warehouse_id: warehouse,
    ...(catalog ? { catalog } : {}),
    ...(schema ? { schema } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    wait_timeout: '0s',
    disposition: 'EXTERNAL_LINKS',
    format: 'JSON_ARRAY',
  }
}

/** Those of one workspace, by tab. */
export function openRuns(workspaceId: string) {
  const tabs = new Map<string, Run[]>()
  const listeners = new Set<() => void>()
  /** Canceled before the server had told their ids. */
  const unwanted = new Set<string>()
  const none: Run[] = []

  const get = (tab: string) => tabs.get(tab) ?? none
  function set(tab: string, to: Run[]) {
    tabs.set(tab, to)
    listeners.forEach((each) => each())
  }
  /** @returns what it is now, or null when it was closed */
  function change(tab: string, id: string, to: Partial<Run>): Run | null {
    set(tab, get(tab).map((each) => (each.id === id ? { ...each, ...to } : each)))
    return get(tab).find((each) => each.id === id) ?? null
  }

  function told(tab: string, id: string, answer: Statement) {
    const state = answer.status?.state ?? 'FAILED'
    const done = ENDED.includes(state)
    const source = state === 'SUCCEEDED' && answer.manifest ? openResult(answer.statement_id ?? '', workspaceId, headerOf(answer.manifest)) : null
    const run = change(tab, id, {
      statementId: answer.statement_id ?? '',
      state,
      message: answer.status?.error?.message ?? '',
      ...(done ? { ended: Date.now(), source } : {}),
    })
    if (!run) {
      source?.close()
    }
    return run
  }

  async function follow(tab: string, id: string, ask: () => Promise<Statement>): Promise<Run | null> {
    try {
      let run = told(tab, id, await ask())
      let failures = 0
      if (run && unwanted.delete(id)) {
        void stop(run)
      }
      for (let wait = FIRST; run && !over(run); wait = Math.min(wait * 1.3, SLOWEST)) {
        const { statementId } = run
        // oxlint-disable-next-line no-await-in-loop -- until it has ended
        await new Promise((resolve) => setTimeout(resolve, wait))
        try {
          // oxlint-disable-next-line no-await-in-loop
          run = told(tab, id, await call('GET /api/2.0/sql/statements/{statement_id}', { statement_id: statementId }, undefined, workspaceId))
          failures = 0
        } catch (problem) {
          // A server that is away for a moment has not ended the statement.
          if (!(problem instanceof Problem && problem.status === 0 && ++failures < 20)) {
            throw problem
          }
        }
      }
      return run
    } catch (problem) {
      return change(tab, id, { state: 'FAILED', message: problem instanceof Error ? problem.message : String(problem), ended: Date.now() })
    }
  }

  async function stop({ id, statementId }: Run) {
    if (statementId === '') {
      unwanted.add(id)
      return
    }
    // Whether it is over is seen by who follows it.
    await call('POST /api/2.0/sql/statements/{statement_id}/cancel', { statement_id: statementId }, undefined, workspaceId).catch(() => {})
  }

  return {
    subscribe(listener: () => void) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    get,
    /** Whether it has been asked what became of a tab's statements. */
    known: (tab: string) => tabs.has(tab),

    /**
     * Runs statements one after the other until one does not succeed. The result of the same statement gives way.
     *
     * @param sent hears what is running, to be kept
     * @param ended hears of each end
     */
    async run(tab: string, wishes: Wish[], using: (wish: Wish) => With, ended: (run: Run) => void) {
      const again = new Set(wishes.map((each) => each.text))
      const [left, gone] = [get(tab).filter((each) => !again.has(each.text)), get(tab).filter((each) => again.has(each.text))]
      const kept = left.slice(-Math.max(0, MOST - wishes.length))
      for (const each of [...gone, ...left.filter((one) => !kept.includes(one))]) {
        each.source?.close()
        if (!over(each)) {
          void stop(each)
        }
      }
      set(tab, kept)
      for (const wish of wishes) {
        const fresh: Run = { id: wish.id, text: wish.text, statementId: '', state: 'PENDING', message: '', began: Date.now(), ended: 0, source: null }
        set(tab, [...get(tab), fresh])
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        const run = await follow(tab, wish.id, () => call('POST /api/2.0/sql/statements', {}, requestOf(wish.text, using(wish)), workspaceId))
        if (run) {
          ended(run)
        }
        if (run?.state !== 'SUCCEEDED') {
          return
        }
      }
    },

    /** Finds again what was run before the page was loaded. */
    restore(tab: string, kept: Kept[]) {
      if (tabs.has(tab)) {
        return
      }
      set(
        tab,
        kept.map((each) => ({ id: each.statement_id, text: each.text, statementId: each.statement_id, state: 'PENDING', message: '', began: 0, ended: 0, source: null })),
      )
      for (const { statement_id } of kept) {
        const ask = () => call('GET /api/2.0/sql/statements/{statement_id}', { statement_id }, undefined, workspaceId)
        void follow(tab, statement_id, ask).then((run) => {
          if (run?.state === 'FAILED' && run.message === '') {
            change(tab, run.id, { state: 'CLOSED' })
          }
        })
      }
    },

    cancel(tab: string) {
      for (const run of get(tab)) {
        if (!over(run)) {
          void stop(run)
        }
      }
    },

    close(tab: string, id: string) {
      for (const run of get(tab)) {
        if (run.id === id) {
          run.source?.close()
          if (!over(run)) {
            void stop(run)
          }
        }
      }
      set(tab, get(tab).filter((each) => each.id !== id))
    },

    /** Of a tab that is closed. */
    forget(tab: string) {
      for (const run of get(tab)) {
        run.source?.close()
        if (!over(run)) {
          void stop(run)
        }
      }
      tabs.delete(tab)
    },
  }
}

export type Runs = ReturnType<typeof openRuns>
