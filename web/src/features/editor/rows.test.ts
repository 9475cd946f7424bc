import { unzipSync } from 'fflate'
import { describe, expect, it } from 'vitest'
import { optionOf } from './draw'
import { csv, xlsx } from './files'
import type { Column, Header } from './result'
import { makeRows } from './rows'

const COLUMNS: Column[] = [
  { name: 'n', type: 'BIGINT', kind: 'number' },
  { name: 't', type: 'STRING', kind: 'text' },
]

/** A result that comes in chunks of these. */
function result(chunks: (string | null)[][][], columns = COLUMNS) {
  const asked: number[] = []
  let from = 0
  const header: Header = {
    columns,
    rows: chunks.reduce((sum, each) => sum + each.length, 0),
    chunks: chunks.map((each) => {
      const chunk = { from, rows: each.length, bytes: 10 }
      from += each.length
      return chunk
    }),
    truncated: false,
  }
  const rows = makeRows(header, (index) => {
    asked.push(index)
    return Promise.resolve(chunks[index]!)
  })
  return { rows, asked, header }
}

const nothing = () => {}
const EXAMPLE = [
  [['10', 'b'], [null, 'ä'], ['9', null]],
  [['9007199254740993', ''], ['9007199254740992', 'null'], ['-1', 'a'.repeat(40)]],
]

describe('rows', () => {
  it('are fetched when they are asked for, once, and across chunks; null is no text', async () => {
    const { rows, asked } = result(EXAMPLE)
    expect(await rows.rows(0, 2)).toEqual([['10', 'b'], [null, 'ä']])
    expect(asked).toEqual([0])
    expect(await rows.rows(2, 9)).toEqual([['9', null], ['9007199254740993', ''], ['9007199254740992', 'null'], ['-1', 'a'.repeat(40)]])
    expect(asked).toEqual([0, 1])
  })

  it('are sorted as the engine does: longs exactly, nulls first, texts by their bytes', async () => {
    const { rows } = result(EXAMPLE)
    await rows.arrange({ sort: { column: 0, descending: false }, filters: [] }, nothing)
    expect((await rows.rows(0, 6)).map((row) => row[0])).toEqual([null, '-1', '9', '10', '9007199254740992', '9007199254740993'])
    await rows.arrange({ sort: { column: 0, descending: true }, filters: [] }, nothing)
    expect((await rows.rows(0, 6)).map((row) => row[0])).toEqual(['9007199254740993', '9007199254740992', '10', '9', '-1', null])
    await rows.arrange({ sort: { column: 1, descending: false }, filters: [] }, nothing)
    expect((await rows.rows(0, 6)).map((row) => row[1])).toEqual([null, '', 'a'.repeat(40), 'b', 'null', 'ä'])
    await rows.arrange({ sort: null, filters: [] }, nothing)
    expect((await rows.rows(0, 1))[0]).toEqual(['10', 'b'])
  })

  it('are sorted by their decimals to the last digit, and NaN is the greatest', async () => {
    const decimals: Column[] = [{ name: 'd', type: 'DECIMAL(38,2)', kind: 'number' }]
    const { rows } = result([[['12345678901234567890.02'], ['12345678901234567890.01'], ['-5.00'], ['NaN'], ['Infinity']]], decimals)
    await rows.arrange({ sort: { column: 0, descending: false }, filters: [] }, nothing)
    expect((await rows.rows(0, 5)).flat()).toEqual(['-5.00', '12345678901234567890.01', '12345678901234567890.02', 'Infinity', 'NaN'])
  })

  it.each([
    [{ column: 0, how: '>' as const, value: '9' }, ['10', '9007199254740993', '9007199254740992']],
    [{ column: 0, how: '=' as const, value: '9.0' }, ['9']],
    [{ column: 0, how: 'null' as const, value: '' }, [null]],
    [{ column: 1, how: '=' as const, value: 'null' }, ['9007199254740992']],
    [{ column: 1, how: 'contains' as const, value: 'A' }, ['-1']],
    [{ column: 1, how: 'not null' as const, value: '' }, ['10', null, '9007199254740993', '9007199254740992', '-1']],
  ])('are filtered by %o', async (filter, expected) => {
    const { rows } = result(EXAMPLE)
    const count = await rows.arrange({ sort: null, filters: [filter] }, nothing)
    expect((await rows.rows(0, count)).map((row) => row[0])).toEqual(expected)
  })

  it('are too many to be looked at as a whole, and say so', async () => {
    const { rows, header } = result(EXAMPLE)
    header.chunks[0]!.bytes = 500e6
    await expect(rows.arrange({ sort: { column: 0, descending: false }, filters: [] }, nothing)).rejects.toThrow(/ORDER BY/)
    expect(await rows.rows(0, 1)).toEqual([['10', 'b']])
  })

  it('have statistics of what is loaded, or of all, and say which', async () => {
    const { rows } = result(EXAMPLE)
    await rows.rows(0, 1)
    expect(await rows.statistics(0, false, nothing)).toMatchObject({ rows: 3, whole: false, nulls: 1, distinct: 2, min: '9', max: '10', mean: 9.5 })
    expect(await rows.statistics(0, true, nothing)).toMatchObject({ rows: 6, whole: true, nulls: 1, distinct: 5, min: '-1', max: '9007199254740993', filtered: false })
    await rows.arrange({ sort: null, filters: [{ column: 0, how: '<', value: '11' }] }, nothing)
    expect(await rows.statistics(1, false, nothing)).toMatchObject({ rows: 3, filtered: true, nulls: 1, top: [{ value: 'b', times: 1 }, { value: 'a'.repeat(40), times: 1 }] })
  })

  it('are points of a chart, each or by what they have in common', async () => {
    const { rows } = result([[['1', 'a'], ['2', 'b'], ['3', 'a'], [null, 'a']]])
    expect((await rows.plot({ x: 1, ys: [0], how: 'sum' }, nothing)).points).toEqual([{ x: 'a', y: [4] }, { x: 'b', y: [2] }])
    expect((await rows.plot({ x: 1, ys: [0], how: 'avg' }, nothing)).points[0]).toEqual({ x: 'a', y: [2] })
    expect((await rows.plot({ x: 1, ys: [], how: 'count' }, nothing)).points).toEqual([{ x: 'a', y: [3] }, { x: 'b', y: [1] }])
    const each = await rows.plot({ x: null, ys: [0], how: 'none' }, nothing)
    expect(each.points.map((point) => [point.x, ...point.y])).toEqual([['1', 1], ['2', 2], ['3', 3], ['4', null]])
    const option = optionOf({ kind: 'area', plot: each, x: '', ys: ['n'], numeric: true, dark: false, still: true })
    expect(option.series[0]).toMatchObject({ type: 'line', name: 'n', data: [[1, 1], [2, 2], [3, 3], [4, null]] })
  })
})

describe('a file', () => {
  it('of CSV has nulls as nothing and empty texts as such', async () => {
    const { rows } = result([[['1', 'a,"b"\n'], [null, ''], ['2', 'null']]])
    expect(await text(await csv(rows, nothing))).toBe('n,t\r\n1,"a,""b""\n"\r\n,""\r\n2,null\r\n')
  })

  it('of Excel keeps numbers as numbers, days as days, and what has too many digits as text', async () => {
    const columns: Column[] = [
      ...COLUMNS,
      { name: 'd', type: 'DATE', kind: 'time' },
      { name: 'b', type: 'BOOLEAN', kind: 'truth' },
    ]
    const { rows } = result([[['1', '<a> & \u0001"b"', '2026-01-01', 'true'], ['9007199254740993', '=1+1', '1850-01-01', null], ['1.50', null, '2026-01-01T12:00:00.000Z', 'false']]], columns)
    const found = unzipSync(new Uint8Array(await buffer(await xlsx(rows, nothing))))
    expect(Object.keys(found)).toContain('[Content_Types].xml')
    const sheet = new TextDecoder().decode(found['xl/worksheets/sheet1.xml'])
    expect(new DOMParser().parseFromString(sheet, 'application/xml').querySelector('parsererror')).toBeNull()
    const cells = [...sheet.matchAll(/<row>(.*?)<\/row>/gs)].slice(1).map((row) => [...row[1]!.matchAll(/<c(.*?)(?:\/>|<\/c>)/gs)].map((each) => each[0]))
    expect(cells[0]).toEqual(['<c><v>1</v></c>', expect.stringContaining('&lt;a&gt; &amp; "b"'), '<c s="1"><v>46023</v></c>', '<c t="b"><v>1</v></c>'])
    expect(cells[1]).toEqual([expect.stringContaining('inlineStr'), expect.stringContaining('=1+1'), expect.stringContaining('1850-01-01'), '<c/>'])
    expect(cells[2]).toEqual(['<c><v>1.50</v></c>', '<c/>', '<c s="2"><v>46023.5</v></c>', '<c t="b"><v>0</v></c>'])
  })
})

/** jsdom's Blob cannot be read otherwise. */
const buffer = (blob: Blob) =>
  new Promise<ArrayBuffer>((done) => {
    const reader = new FileReader()
    reader.onload = () => done(reader.result as ArrayBuffer)
    reader.readAsArrayBuffer(blob)
  })
const text = async (blob: Blob) => new TextDecoder().decode(await buffer(blob))
