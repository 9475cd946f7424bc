// A result's rows, in the worker that keeps them: chunks are fetched as their rows are asked for and packed by columns, as
// UTF-8 with where each value ends. Whatever looks at many rows (sort, filter, statistics, charts, files) does it here, so
// that the page scrolls meanwhile.
import type { Arrangement, Column, Filter, Header, Loaded, Plot, PlotWish, Statistics } from './result'

/** A column within a chunk. */
interface Packed {
  bytes: Uint8Array
  /** Where row n ends; it begins where the one before ended. */
  ends: Uint32Array
  /** 1 where it is null. */
  nulls: Uint8Array
}

interface Chunk {
  columns: Packed[]
  size: number
}

/** What is kept at most, in bytes; chunks that were looked at longest ago go first. */
const MOST = 512 << 20
/** A result of more is not sorted, filtered and counted here: that is the engine's work. */
const WHOLE = 400 << 20
const TOP = 10
const DISTINCT = 1_000_000
const GROUPS = 1000
const POINTS = 5000

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * @param header of the whole result
 * @param fetchChunk the rows of a chunk, as the API has them
 */
export function makeRows(header: Header, fetchChunk: (index: number) => Promise<(string | null)[][]>) {
  const chunks = new Map<number, Chunk>()
  const coming = new Map<number, Promise<Chunk>>()
  let order: Uint32Array | null = null

  async function chunk(index: number): Promise<Chunk> {
    const found = chunks.get(index)
    if (found) {
      chunks.delete(index) // to the end: it was looked at last
      chunks.set(index, found)
      return found
    }
    let promise = coming.get(index)
    if (!promise) {
      promise = fetchChunk(index)
        .then((rows) => {
          const packed = pack(rows, header.columns.length)
          chunks.set(index, packed)
          let size = [...chunks.values()].reduce((sum, each) => sum + each.size, 0)
          for (const [oldest, each] of chunks) {
            if (size <= MOST || oldest === index || order) {
              break
            }
            chunks.delete(oldest)
            size -= each.size
          }
          return packed
        })
        .finally(() => coming.delete(index))
      coming.set(index, promise)
    }
    return promise
  }

  /** Of a row of the result: in which chunk, and which one there. */
  function place(row: number): [chunk: number, row: number] {
    let [low, high] = [0, header.chunks.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (header.chunks[middle]!.from <= row) {
        low = middle
      } else {
        high = middle - 1
      }
    }
    return [low, row - (header.chunks[low]?.from ?? 0)]
  }

  async function all(told: (loaded: Loaded) => void) {
    const bytes = header.chunks.reduce((sum, each) => sum + each.bytes, 0)
    if (bytes > WHOLE) {
      throw new Error(
        `The result has ${Math.round(bytes / 1e6)} MB, more than the ${Math.round(WHOLE / 1e6)} MB that a page looks at as a whole. Let the statement do it: ORDER BY, WHERE, GROUP BY.`,
      )
    }
    for (let index = 0; index < header.chunks.length; index++) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other: each is large
      await chunk(index)
      told(loaded())
    }
  }

  function loaded(): Loaded {
    const rows = header.chunks.reduce((sum, each, index) => sum + (chunks.has(index) ? each.rows : 0), 0)
    return { rows, whole: rows === header.rows }
  }

  /** Rows that are loaded, in the order that they are shown in. */
  function* here(): Generator<[packed: Chunk, row: number, number: number]> {
    if (order) {
      for (const number of order) {
        const [index, row] = place(number)
        yield [chunks.get(index)!, row, number]
      }
      return
    }
    for (const [index, { from, rows }] of header.chunks.entries()) {
      const packed = chunks.get(index)
      if (packed) {
        for (let row = 0; row < rows; row++) {
          yield [packed, row, from + row]
        }
      }
    }
  }

  /** From the first row or to the last, nothing left out. */
  const count = () => order?.length ?? header.rows

  async function rows(from: number, to: number): Promise<(string | null)[][]> {
    const wanted = Array.from({ length: Math.max(0, Math.min(to, count()) - from) }, (_, at) => place(order?.[from + at] ?? from + at))
    const packed = new Map<number, Chunk>()
    for (const [index] of wanted) {
      if (!packed.has(index)) {
        // oxlint-disable-next-line no-await-in-loop -- rarely more than two
        packed.set(index, await chunk(index))
      }
    }
    return wanted.map(([index, row]) => packed.get(index)!.columns.map((column) => valueOf(column, row)))
  }

  async function arrange({ sort, filters }: Arrangement, told: (loaded: Loaded) => void): Promise<number> {
    if (!sort && filters.length === 0) {
      order = null
      return count()
    }
    await all(told)
    order = null
    const tests = filters.map((filter) => testOf(filter, header.columns[filter.column]!))
    const chosen: number[] = []
    for (const [packed, row, number] of here()) {
      if (tests.every((test) => test(packed, row))) {
        chosen.push(number)
      }
    }
    const found = Uint32Array.from(chosen)
    if (sort) {
      sorted(found, sort.column, sort.descending)
    }
    order = found
    return found.length
  }

  /** As the engine sorts: numbers by size, texts by their bytes; nulls first, or last where it descends. */
  function sorted(of: Uint32Array, column: number, descending: boolean) {
    const { kind } = header.columns[column]!
    const keys = new Float64Array(header.rows)
    for (const [index, { from, rows }] of header.chunks.entries()) {
      const packed = chunks.get(index)!.columns[column]!
      for (let row = 0; row < rows; row++) {
        keys[from + row] = packed.nulls[row] ? -Infinity : kind === 'number' ? numberOf(valueOf(packed, row)!) : prefixOf(packed, row)
      }
    }
    const text = (number: number) => {
      const [index, row] = place(number)
      return [chunks.get(index)!.columns[column]!, row] as const
    }
    const ties = (a: number, b: number) => {
      const [[left, leftRow], [right, rightRow]] = [text(a), text(b)]
      if (left.nulls[leftRow] || right.nulls[rightRow]) {
        return right.nulls[rightRow]! - left.nulls[leftRow]!
      }
      return kind === 'number' ? exactly(valueOf(left, leftRow)!, valueOf(right, rightRow)!) : compareBytes(left, leftRow, right, rightRow)
    }
    const turn = descending ? -1 : 1
    of.sort((a, b) => {
      const [left, right] = [keys[a]!, keys[b]!]
      const by = left < right ? -1 : left > right ? 1 : Number.isNaN(left) !== Number.isNaN(right) ? (Number.isNaN(left) ? 1 : -1) : ties(a, b)
      return by * turn || a - b
    })
  }

  async function statistics(column: number, whole: boolean, told: (loaded: Loaded) => void): Promise<Statistics> {
    if (whole) {
      await all(told)
    }
    const { kind } = header.columns[column]!
    const counts = new Map<string, number>()
    let [rows, nulls, numbers, sum] = [0, 0, 0, 0]
    let [least, most]: (string | null)[] = [null, null]
    let exact = true
    for (const [packed, row] of here()) {
      rows++
      const value = valueOf(packed.columns[column]!, row)
      if (value === null) {
        nulls++
        continue
      }
      if (kind === 'number') {
        const number = numberOf(value)
        if (Number.isFinite(number)) {
          sum += number
          numbers++
        }
      }
      least = least === null || compare(kind, value, least) < 0 ? value : least
      most = most === null || compare(kind, value, most) > 0 ? value : most
      const before = counts.get(value)
      if (before !== undefined || counts.size < DISTINCT) {
        counts.set(value, (before ?? 0) + 1)
      } else {
        exact = false
      }
    }
    const top = [...counts].toSorted((a, b) => b[1] - a[1]).slice(0, TOP)
    return {
      ...loaded(),
      rows,
      filtered: order !== null && order.length < header.rows,
      nulls,
      distinct: counts.size,
      exact,
      min: least,
      max: most,
      mean: numbers > 0 ? sum / numbers : null,
      top: top.map(([value, times]) => ({ value, times })),
    }
  }

  async function plot(wish: PlotWish, told: (loaded: Loaded) => void): Promise<Plot> {
    await all(told)
    const x = (packed: Chunk, row: number) => (wish.x === null ? null : valueOf(packed.columns[wish.x]!, row))
    const y = (packed: Chunk, row: number, column: number) => {
      const value = valueOf(packed.columns[column]!, row)
      return value === null ? null : numberOf(value)
    }
    const points: Plot['points'] = []
    let rows = 0
    let cut = false
    if (wish.how === 'none') {
      for (const [packed, row, number] of here()) {
        if (points.length === POINTS) {
          cut = true
          break
        }
        rows++
        points.push({ x: wish.x === null ? String(number + 1) : x(packed, row), y: wish.ys.map((column) => y(packed, row, column)) })
      }
      return { points, rows, of: count(), cut }
    }
    const groups = new Map<string | null, { count: number; seen: number[]; sum: number[]; min: number[]; max: number[] }>()
    for (const [packed, row] of here()) {
      const key = x(packed, row)
      let group = groups.get(key)
      if (!group) {
        if (groups.size === GROUPS) {
          cut = true
          continue
        }
        const each = (value: number) => wish.ys.map(() => value)
        group = { count: 0, seen: each(0), sum: each(0), min: each(Infinity), max: each(-Infinity) }
        groups.set(key, group)
      }
      rows++
      group.count++
      for (const [at, column] of wish.ys.entries()) {
        const value = wish.how === 'count' ? null : y(packed, row, column)
        if (value !== null && !Number.isNaN(value)) {
          group.seen[at]!++
          group.sum[at]! += value
          group.min[at] = Math.min(group.min[at]!, value)
          group.max[at] = Math.max(group.max[at]!, value)
        }
      }
    }
    for (const [key, group] of groups) {
      const of = (at: number) =>
        wish.how === 'count'
          ? group.count
          : group.seen[at] === 0
            ? null
            : wish.how === 'avg'
              ? group.sum[at]! / group.seen[at]!
              : group[wish.how as 'sum' | 'min' | 'max'][at]!
      points.push({ x: key, y: wish.how === 'count' ? [group.count] : wish.ys.map((_, at) => of(at)) })
    }
    return { points, rows, of: count(), cut }
  }

  return { rows, arrange, statistics, plot, loaded, count, columns: header.columns as Column[] }
}

export type Rows = ReturnType<typeof makeRows>

export function pack(rows: (string | null)[][], width: number): Chunk {
  let size = 0
  const columns = Array.from({ length: width }, (_, column) => {
    const [ends, nulls] = [new Uint32Array(rows.length), new Uint8Array(rows.length)]
    let bytes = new Uint8Array(Math.max(64, rows.length * 8))
    let at = 0
    for (const [row, values] of rows.entries()) {
      const value = values[column] ?? null
      if (value === null) {
        nulls[row] = 1
      } else {
        if (bytes.length < at + value.length * 3) {
          const larger = new Uint8Array(Math.max(bytes.length * 2, at + value.length * 3))
          larger.set(bytes)
          bytes = larger
        }
        at = write(value, bytes, at)
      }
      ends[row] = at
    }
    bytes = bytes.slice(0, at)
    size += at + rows.length * 5
    return { bytes, ends, nulls }
  })
  return { columns, size }
}

/** @returns where it ends */
function write(value: string, bytes: Uint8Array, at: number): number {
  // Most values are short and ASCII: a loop is faster than a call for each.
  if (value.length < 40) {
    let index = 0
    for (; index < value.length; index++) {
      const code = value.charCodeAt(index)
      if (code > 127) {
        break
      }
      bytes[at + index] = code
    }
    if (index === value.length) {
      return at + index
    }
  }
  return at + encoder.encodeInto(value, bytes.subarray(at)).written
}

const startOf = (of: Packed, row: number) => (row === 0 ? 0 : of.ends[row - 1]!)

function valueOf(of: Packed, row: number): string | null {
  if (of.nulls[row]) {
    return null
  }
  const [from, to] = [startOf(of, row), of.ends[row]!]
  if (to - from < 24) {
    let text = ''
    for (let at = from; at < to; at++) {
      const byte = of.bytes[at]!
      if (byte > 127) {
        return decoder.decode(of.bytes.subarray(from, to))
      }
      text += String.fromCharCode(byte)
    }
    return text
  }
  return decoder.decode(of.bytes.subarray(from, to))
}

/** Six bytes as one number: most texts differ there. */
function prefixOf(of: Packed, row: number): number {
  const [from, to] = [startOf(of, row), of.ends[row]!]
  let key = 0
  for (let at = 0; at < 6; at++) {
    key = key * 256 + (from + at < to ? of.bytes[from + at]! : 0)
  }
  return key
}

function compareBytes(a: Packed, aRow: number, b: Packed, bRow: number): number {
  const [from, other] = [startOf(a, aRow), startOf(b, bRow)]
  const [length, width] = [a.ends[aRow]! - from, b.ends[bRow]! - other]
  for (let at = 0; at < length && at < width; at++) {
    const by = a.bytes[from + at]! - b.bytes[other + at]!
    if (by !== 0) {
      return by
    }
  }
  return length - width
}

export function numberOf(value: string): number {
  return value === 'Infinity' ? Infinity : value === '-Infinity' ? -Infinity : Number(value)
}

/** Two that are the same as doubles: longs and decimals have more digits. */
function exactly(a: string, b: string): number {
  if (a === b || !/^-?\d+(\.\d+)?$/.test(a) || !/^-?\d+(\.\d+)?$/.test(b)) {
    return 0
  }
  const scale = Math.max(a.split('.')[1]?.length ?? 0, b.split('.')[1]?.length ?? 0)
  const whole = (text: string) => {
    const [before = '', after = ''] = text.split('.')
    return BigInt(before + after.padEnd(scale, '0'))
  }
  const [left, right] = [whole(a), whole(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

function compare(kind: Column['kind'], a: string, b: string): number {
  if (kind === 'number') {
    return numberOf(a) - numberOf(b) || exactly(a, b)
  }
  return a < b ? -1 : a > b ? 1 : 0
}

function testOf({ column, how, value }: Filter, { kind }: Column): (packed: Chunk, row: number) => boolean {
  const of = (packed: Chunk, row: number) => valueOf(packed.columns[column]!, row)
  const small = value.toLowerCase()
  const not = (test: (found: string) => boolean) => (packed: Chunk, row: number) => {
    const found = of(packed, row)
    return found !== null && test(found)
  }
  switch (how) {
    case 'null':
      return (packed, row) => of(packed, row) === null
    case 'not null':
      return not(() => true)
    case 'contains':
      return not((found) => found.toLowerCase().includes(small))
    case '=':
      return not((found) => compare(kind, found, value) === 0)
    case '≠':
      return not((found) => compare(kind, found, value) !== 0)
    case '<':
      return not((found) => compare(kind, found, value) < 0)
    case '>':
      return not((found) => compare(kind, found, value) > 0)
  }
}
