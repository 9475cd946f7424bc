import { Button, Progress } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Refused } from '../../ui/act'
import type { Source } from './result'

/** What is in a column: over the rows that are loaded, or over all, and it says which. */
export function Statistics({ source, column }: { source: Source; column: number }) {
  const of = source.header.columns[column]!
  const [loaded, setLoaded] = useState(0)
  const act = useMutation({
    mutationFn: (asked: { column: number; whole: boolean }) => source.statistics(asked.column, asked.whole, (told) => setLoaded(told.rows)),
  })
  const { mutate } = act
  useEffect(() => mutate({ column, whole: false }), [mutate, column])
  const found = act.data
  const percent = (times: number) => (found && found.rows > 0 ? `${((times / found.rows) * 100).toFixed(1)} %` : '')
  return (
    <section className="stack" aria-label={`Statistics of ${of.name}`}>
      <Refused error={act.error} />
      {act.isPending && loaded > 0 && <Progress value={(loaded / source.header.rows) * 100} aria-label="Loading rows" />}
      {found && (
        <>
          <p className="flat small" role="status">
            {found.filtered
              ? `Over the ${count(found.rows)} rows that the filter lets through.`
              : found.whole
                ? `Over all ${count(found.rows)} rows.`
                : `Over the ${count(found.rows)} of ${count(source.header.rows)} rows that are loaded.`}
            {source.header.truncated && ' The result was cut by the engine: there are more.'}
          </p>
          {!found.whole && (
            <div>
              <Button size="xs" variant="default" loading={act.isPending} onClick={() => mutate({ column, whole: true })}>
                Over all rows
              </Button>
            </div>
          )}
          <dl className="facts">
            <dt>Type</dt>
            <dd className="mono">{of.type.toLowerCase()}</dd>
            <dt>Rows</dt>
            <dd>{count(found.rows)}</dd>
            <dt>Null</dt>
            <dd>
              {count(found.nulls)} <span className="dim">{percent(found.nulls)}</span>
            </dd>
            <dt>Distinct</dt>
            <dd>{found.exact ? count(found.distinct) : `more than ${count(found.distinct)}`}</dd>
            <dt>Least</dt>
            <dd>{found.min ?? '–'}</dd>
            <dt>Greatest</dt>
            <dd>{found.max ?? '–'}</dd>
            {found.mean !== null && (
              <>
                <dt>Mean</dt>
                <dd>{found.mean.toLocaleString(undefined, { maximumSignificantDigits: 8 })}</dd>
              </>
            )}
          </dl>
          {found.top.length > 0 && (
            <table className="list" aria-label="Most frequent values">
              <thead>
                <tr>
                  <th scope="col">Most frequent</th>
                  <th scope="col" className="end">
                    Rows
                  </th>
                </tr>
              </thead>
              <tbody>
                {found.top.map(({ value, times }) => (
                  <tr key={value}>
                    <td className="share">
                      <i style={{ width: `${(times / found.rows) * 100}%` }} aria-hidden />
                      <span>{value === '' ? <span className="dim">empty text</span> : value.slice(0, 200)}</span>
                    </td>
                    <td className="end">
                      {count(times)} <span className="dim">{percent(times)}</span>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </>
      )}
    </section>
  )
}

const NUMBER = new Intl.NumberFormat()
export const count = (rows: number): string => NUMBER.format(rows)
