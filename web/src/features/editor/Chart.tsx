import { MultiSelect, NativeSelect, useComputedColorScheme } from '@mantine/core'
import { useReducedMotion } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { Answer, Empty } from '../../ui/Answer'
import type { ChartKind } from './draw'
import type { Plot, PlotWish, Source } from './result'
import { count } from './Statistics'

const KINDS: { value: ChartKind; label: string }[] = [
  { value: 'bar', label: 'Bar' },
  { value: 'line', label: 'Line' },
  { value: 'area', label: 'Area' },
  { value: 'pie', label: 'Pie' },
  { value: 'scatter', label: 'Scatter' },
]

const HOW: { value: PlotWish['how']; label: string }[] = [
  { value: 'none', label: 'Each row' },
  { value: 'sum', label: 'Sum' },
  { value: 'avg', label: 'Mean' },
  { value: 'min', label: 'Least' },
  { value: 'max', label: 'Greatest' },
  { value: 'count', label: 'Number of rows' },
]

export interface Choice {
  kind: ChartKind
  x: string
  ys: string[]
  how: PlotWish['how']
}

/** A first picture: what is no number along the bottom, the first number upwards. */
export function firstChoice({ header: { columns, rows } }: Source): Choice {
  const numbers = columns.flatMap((column, at) => (column.kind === 'number' ? [at] : []))
  const other = columns.findIndex((column) => column.kind !== 'number' && column.kind !== 'nested')
  const x = other >= 0 ? other : numbers.length > 1 ? numbers[0]! : -1
  const y = numbers.find((at) => at !== x)
  return {
    kind: columns[x]?.kind === 'time' ? 'line' : 'bar',
    x: String(x),
    ys: y === undefined ? [] : [String(y)],
    how: y === undefined ? 'count' : rows > 200 && columns[x]?.kind !== 'time' ? 'sum' : 'none',
  }
}

export function Chart(props: { source: Source; version: number; choice: Choice; onChoice: (choice: Choice) => void; label: string }) {
  const { source, version, choice, onChoice } = props
  const { columns } = source.header
  const named = columns.map((column, at) => ({ value: String(at), label: column.name }))
  const numbers = named.filter((_, at) => columns[at]!.kind === 'number')
  const wish: PlotWish = { x: choice.x === '-1' ? null : Number(choice.x), ys: choice.ys.map(Number), how: choice.how }
  const plot = useQuery({
    queryKey: ['plot', keyOf(source), version, wish],
    queryFn: () => source.plot(wish, () => {}),
    enabled: choice.ys.length > 0 || choice.how === 'count',
    staleTime: Infinity,
    gcTime: 0,
  })
  const set = (to: Partial<Choice>) => onChoice({ ...choice, ...to })
  return (
    <div className="chart">
      <div className="chosen-columns">
        <NativeSelect size="xs" label="Chart" data={KINDS} value={choice.kind} onChange={(event) => set({ kind: event.currentTarget.value as ChartKind })} />
        <NativeSelect
          size="xs"
          label={choice.kind === 'pie' ? 'Slices' : 'X'}
          data={[{ value: '-1', label: 'Number of the row' }, ...named]}
          value={choice.x}
          onChange={(event) => set({ x: event.currentTarget.value })}
        />
        <NativeSelect size="xs" label="Values" data={HOW} value={choice.how} onChange={(event) => set({ how: event.currentTarget.value as PlotWish['how'] })} />
        {choice.how !== 'count' && (
          <MultiSelect
            size="xs"
            label="Y"
            data={numbers}
            value={choice.ys}
            onChange={(ys) => set({ ys: choice.kind === 'pie' ? ys.slice(-1) : ys })}
            maxValues={8}
            placeholder={choice.ys.length === 0 ? 'Columns of numbers' : ''}
          />
        )}
      </div>
      {choice.ys.length === 0 && choice.how !== 'count' ? (
        <Empty title="No column of numbers is chosen" />
      ) : (
        <Answer of={plot} rows={6} isEmpty={(data) => data.points.length === 0} empty={<Empty title="There are no rows to draw" />}>
          {(data) => (
            <>
              <Picture
                label={props.label}
                plot={data}
                kind={choice.kind}
                x={columns[Number(choice.x)]?.name ?? ''}
                ys={choice.how === 'count' ? ['rows'] : choice.ys.map((at) => columns[Number(at)]?.name ?? '')}
                numeric={choice.x === '-1' || columns[Number(choice.x)]?.kind === 'number'}
              />
              <p className="dim small flat" role="status">
                {data.cut
                  ? `${count(data.rows)} of ${count(data.of)} rows: more than ${count(data.points.length)} points are not drawn.`
                  : `${count(data.rows)} rows, ${count(data.points.length)} points.`}
              </p>
            </>
          )}
        </Answer>
      )}
    </div>
  )
}

const keys = new WeakMap<Source, number>()
let last = 0
function keyOf(source: Source): number {
  const key = keys.get(source) ?? ++last
  keys.set(source, key)
  return key
}

function Picture(props: { plot: Plot; kind: ChartKind; x: string; ys: string[]; numeric: boolean; label: string }) {
  const { plot, kind, x, numeric } = props
  const ys = props.ys.join('\n')
  const place = useRef<HTMLDivElement>(null)
  const dark = useComputedColorScheme('light') === 'dark'
  const still = useReducedMotion()
  const [problem, setProblem] = useState('')
  useEffect(() => {
    let end = () => {}
    let gone = false
    import('./draw').then(
      ({ draw }) => {
        if (!gone && place.current) {
          end = draw(place.current, { plot, kind, x, ys: ys.split('\n'), numeric, dark, still })
        }
      },
      (failure: Error) => setProblem(failure.message),
    )
    return () => {
      gone = true
      end()
    }
  }, [plot, kind, x, ys, numeric, dark, still])
  return problem ? <p role="alert">{problem}</p> : <div className="picture" role="img" aria-label={`${props.label}, ${kind} chart`} ref={place} />
}
