import { CompletionContext } from '@codemirror/autocomplete'
import { ensureSyntaxTree } from '@codemirror/language'
import { sql } from '@codemirror/lang-sql'
import { EditorState } from '@codemirror/state'
import { screen, waitFor, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { answering, show } from '../../test/server'
import { completing, type Item, type Names } from './complete'
import { Grid } from './Grid'
import { Parameters } from './Parameters'
import type { Arrangement, Source } from './result'
import { spark } from './spark'
import { SqlEditor } from './SqlEditor'

/** A worker in the same thread. */
class TestWorker {
  onmessage: ((event: { data: unknown }) => void) | null = null
  onerror = null
  private readonly ready = import('./rows.worker')
  private readonly scope = globalThis as unknown as { onmessage: (event: { data: unknown }) => void; postMessage: (data: unknown) => void }
  postMessage(data: unknown) {
    void this.ready.then(() => {
      this.scope.postMessage = (answer) => this.onmessage?.({ data: answer })
      this.scope.onmessage({ data })
    })
  }
  terminate() {}
}

beforeEach(() => {
  vi.stubGlobal('Worker', TestWorker)
  // Elements have a size, and texts rectangles, which jsdom does not draw.
  vi.spyOn(Element.prototype, 'clientHeight', 'get').mockReturnValue(300)
  vi.spyOn(Element.prototype, 'clientWidth', 'get').mockReturnValue(600)
  Range.prototype.getClientRects = () => [] as unknown as DOMRectList
  Range.prototype.getBoundingClientRect = () => new DOMRect()
})
afterEach(() => {
  localStorage.clear()
  sessionStorage.clear()
})

const named = (...names: string[]): Promise<Item[]> => Promise.resolve(names.map((name) => ({ name, about: 'here' })))

describe('the completion', () => {
  const asked: string[] = []
  const names: Names = {
    current: () => ({ catalog: 'main', schema: 'sales' }),
    catalogs: () => named('main', 'samples'),
    schemas: (catalog) => named(...(catalog === 'main' ? ['sales', 'odd name'] : ['tpch'])),
    tables: (_, schema) => named(...(schema === 'tpch' ? ['nation'] : schema === 'sales' ? ['orders'] : [])),
    functions: () => named(),
    columns: (...of) => {
      asked.push(of.join('.'))
      return named(...(of[2] === 'orders' ? ['id', 'amount'] : ['n_name']))
    },
  }

  /** What is offered where `|` is. */
  async function offered(text: string, explicit = true) {
    const at = text.indexOf('|')
    const state = EditorState.create({ doc: text.replace('|', ''), extensions: sql({ dialect: spark }) })
    ensureSyntaxTree(state, state.doc.length, 5000)
    const found = await completing(names)(new CompletionContext(state, at, explicit))
    return found?.options.map((each) => (typeof each.apply === 'string' ? each.apply : each.label)) ?? []
  }

  it.each([
    ['SELECT * FROM |', ['orders', 'sales', 'samples']],
    ['SELECT * FROM samples.|', ['tpch']],
    ['SELECT * FROM sales.|', ['orders']],
    ['SELECT * FROM main.|', ['`odd name`']],
    ['SELECT * FROM samples.tpch.n|', ['nation']],
    ['SELECT o.| FROM orders o', ['id', 'amount']],
    ['SELECT am| FROM orders', ['amount', 'max(', 'SELECT']],
    ['SELECT 1; SELECT | FROM samples.tpch.nation; SELECT * FROM orders', ['n_name', 'nation']],
  ])('knows in %s', async (text, expected) => {
    expect(await offered(text)).toEqual(expect.arrayContaining(expected))
  })

  it('offers nothing within strings and comments, and no columns of other statements', async () => {
    expect(await offered("SELECT 'a|'")).toEqual([])
    expect(await offered('-- FROM |')).toEqual([])
    expect(await offered('SELECT n| FROM samples.tpch.nation; SELECT * FROM orders')).not.toContain('amount')
    expect(await offered('SELECT |', false)).toEqual([])
  })

  it('asks for columns only of tables that the statement names', () => {
    expect(new Set(asked)).toEqual(new Set(['main.sales.orders', 'samples.tpch.nation']))
  })
})

describe('the grid', () => {
  const many = 1_000_000
  const source = (): Source & { asked: [number, number][] } => {
    const asked: [number, number][] = []
    const header = {
      columns: Array.from({ length: 40 }, (_, at) => ({ name: `c${at}`, type: 'BIGINT', kind: 'number' as const })),
      rows: many,
      chunks: [],
      truncated: false,
    }
    return {
      header,
      asked,
      rows: (from, to) => {
        asked.push([from, to])
        return Promise.resolve(Array.from({ length: to - from }, (_, at) => header.columns.map((_, column) => (column === 1 ? null : column === 2 ? 'null' : `${from + at}/${column}`))))
      },
      arrange: () => Promise.resolve(many),
      statistics: () => Promise.reject(new Error()),
      plot: () => Promise.reject(new Error()),
      file: () => Promise.reject(new Error()),
      close: () => {},
    }
  }
  const nothing: Arrangement = { sort: null, filters: [] }

  it('draws what is seen of a million rows and forty columns, and asks for no more', async () => {
    const of = source()
    show(() => <Grid source={of} rows={many} version={0} arrangement={nothing} onSort={() => {}} onFilter={() => {}} onStatistics={() => {}} onCopied={() => {}} label="numbers" />)
    const grid = await screen.findByRole('grid', { name: 'numbers' })
    expect(grid.getAttribute('aria-rowcount')).toBe(String(many + 1))
    expect(grid.getAttribute('aria-colcount')).toBe('40')
    await within(grid).findByRole('gridcell', { name: '0/0' })
    expect(within(grid).getAllByRole('row').length).toBeLessThan(50)
    expect(within(grid).getAllByRole('columnheader').length).toBeLessThan(20)
    expect(of.asked.every(([from, to]) => to - from <= 100 && to <= 200)).toBe(true)
  })

  it('tells null from the text null', async () => {
    const of = source()
    show(() => <Grid source={of} rows={many} version={0} arrangement={nothing} onSort={() => {}} onFilter={() => {}} onStatistics={() => {}} onCopied={() => {}} label="numbers" />)
    await screen.findByRole('gridcell', { name: '0/0' })
    const [isNull, isText] = [1, 2].map((column) => document.querySelector(`[data-row="0"][data-column="${column}"]`))
    expect(isNull?.querySelector('i.null')?.textContent).toBe('null')
    expect(isText?.querySelector('i')).toBeNull()
    expect(isText?.textContent).toBe('null')
  })

  it('is walked through by the keyboard, which selects, copies and opens the menu of a column', async () => {
    const of = source()
    const sorted = vi.fn<(sort: Arrangement['sort']) => void>()
    const user = userEvent.setup()
    show(() => <Grid source={of} rows={many} version={0} arrangement={nothing} onSort={sorted} onFilter={() => {}} onStatistics={() => {}} onCopied={() => {}} label="numbers" />)
    await screen.findByRole('gridcell', { name: '0/0' })
    await user.tab()
    const grid = screen.getByRole('grid')
    expect(document.activeElement).toBe(grid)
    await user.keyboard('{ArrowDown}{ArrowRight}{ArrowRight}')
    expect(grid.getAttribute('aria-activedescendant')).toBe('0-1-2')
    await user.keyboard('{Shift>}{ArrowDown}{ArrowRight}{/Shift}')
    expect(within(grid).getAllByRole('gridcell', { selected: true })).toHaveLength(4)
    await user.keyboard('{Control>}c{/Control}')
    await expect.poll(() => navigator.clipboard.readText()).toBe('null\t1/3\nnull\t2/3')
    await user.keyboard('{Enter}')
    await user.click(await screen.findByRole('menuitem', { name: 'Sort descending' }))
    expect(sorted).toHaveBeenCalledWith({ column: 3, descending: true })
  })
})

describe('parameters', () => {
  it('are a field each, of the type that one chooses, and a range is two dates', async () => {
    const told = vi.fn<(key: string, field: unknown) => void>()
    show(() => <Parameters names={['n', 'day_start', 'day_end']} fields={{ n: { type: 'number', value: 'x' } }} onField={told} />)
    expect(await screen.findByText('no number')).toBeTruthy()
    expect(screen.getByLabelText('day from').getAttribute('type')).toBe('date')
    await userEvent.selectOptions(screen.getByLabelText('Type of n'), 'text')
    expect(told).toHaveBeenCalledWith('n', { type: 'text', value: 'x' })
    expect(within(screen.getByLabelText('Type of n')).queryByRole('option', { name: 'Date range' })).toBeNull()
  })
})

describe('the page', () => {
  const STATEMENTS = '/api/2.0/sql/statements'
  const answers = {
    'GET /api/2.0/tarn/session': { user_name: 'ada@x', account_id: 'a', csrf_token: 't' },
    'GET /api/2.0/sql/warehouses': { warehouses: [{ id: 'w1', name: 'Starter', state: 'RUNNING' }] },
    'GET /api/2.1/unity-catalog/catalogs': { catalogs: [{ name: 'main' }] },
    [`POST ${STATEMENTS}`]: { statement_id: 's1', status: { state: 'PENDING' } },
    [`GET ${STATEMENTS}/s1`]: {
      statement_id: 's1',
      status: { state: 'SUCCEEDED' },
      manifest: {
        total_row_count: 2,
        schema: { columns: [{ name: 'n', type_name: 'INT', type_text: 'INT' }] },
        chunks: [{ chunk_index: 0, row_offset: 0, row_count: 2 }],
      },
    },
    [`GET ${STATEMENTS}/s1/result/chunks/0`]: { external_links: [{ external_link: 'http://elsewhere.test/tarn-results/s1/0?signature=x' }] },
    'GET /tarn-results/s1/0': [['41'], [null]],
  }
  const open = () => show(SqlEditor, '/w/7/sql', '/w/$workspaceId/sql')
  const keep = (tab: Record<string, unknown>, workspace = 7) => localStorage.setItem(`tarn.editor.${workspace}.ada@x.a1`, JSON.stringify({ name: 'mine', made: 1, ...tab }))

  it('runs the statement at the cursor with its parameters beside it, and shows the rows', async () => {
    keep({ text: 'SELECT :n;\nSELECT 2', fields: { n: { type: 'number', value: '41' } }, catalog: 'main' })
    const asked = answering(answers)
    open()
    await screen.findByRole('textbox', { name: 'Text of mine' })
    await waitFor(() => expect(screen.getByLabelText('SQL warehouse')).toHaveProperty('value', 'w1'))
    await userEvent.keyboard('{Control>}{Enter}{/Control}')
    const grid = await screen.findByRole('grid')
    await within(grid).findByText('41')
    expect(asked.find((each) => each.verb === 'POST')?.body).toEqual({
      statement: 'SELECT :n',
      warehouse_id: 'w1',
      catalog: 'main',
      parameters: [{ name: 'n', value: '41', type: 'INT' }],
      wait_timeout: '0s',
      disposition: 'EXTERNAL_LINKS',
      format: 'JSON_ARRAY',
    })
    expect(asked.find((each) => each.path.startsWith('/tarn-results'))?.headers.has('x-csrf-token')).toBe(false)
    await waitFor(() => expect(localStorage.getItem('tarn.editor.7.ada@x.a1')).toContain('"statement_id":"s1"'))
  })

  it('finds results again after it was loaded anew, and says which are gone', async () => {
    keep({ text: 'SELECT 1', kept: [{ statement_id: 's1', text: 'SELECT 1' }, { statement_id: 's2', text: 'SELECT 2' }] }, 8)

    answering({ ...answers, [`GET ${STATEMENTS}/s2`]: Response.json({ error_code: 'RESOURCE_DOES_NOT_EXIST', message: 'The statement s2 was not found.' }, { status: 404 }) })
    show(SqlEditor, '/w/8/sql', '/w/$workspaceId/sql')
    await screen.findByText('This result is not kept any more')
    await userEvent.click(screen.getByRole('tab', { name: /SELECT 1/ }))
    expect(await screen.findByText('41')).toBeTruthy()
  })

  it('shows its keys when asked, keeps tabs that are opened and closed, and says what history is not there', async () => {
    answering(answers)
    show(SqlEditor, '/w/9/sql', '/w/$workspaceId/sql')
    await screen.findByRole('tab', { name: 'Query 1' })
    screen.getByRole('tab', { name: 'Query 1' }).focus()
    await userEvent.keyboard('?')
    expect(await screen.findByRole('dialog', { name: 'Keyboard' })).toBeTruthy()
    await userEvent.keyboard('{Escape}')
    await waitFor(() => expect(screen.queryByRole('dialog')).toBeNull())
    await userEvent.click(screen.getByRole('button', { name: 'New tab' }))
    expect(screen.getByRole('tab', { name: 'Query 2', selected: true })).toBeTruthy()
    screen.getByRole('tab', { name: 'Query 2' }).focus()
    await userEvent.keyboard('{Delete}')
    expect(screen.queryByRole('tab', { name: 'Query 2' })).toBeNull()
    await userEvent.click(screen.getByRole('button', { name: 'History' }))
    expect(await screen.findByText('This server keeps no query history')).toBeTruthy()
  })

  it('says that the workspace is not open to who may not see it', async () => {
    answering({ 'GET /api/2.0/sql/warehouses': Response.json({ error_code: 'PERMISSION_DENIED', message: 'not yours' }, { status: 403 }) })
    show(SqlEditor, '/w/10/sql', '/w/$workspaceId/sql')
    expect(await screen.findByText('not yours')).toBeTruthy()
  })
})
