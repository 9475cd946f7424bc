const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' })
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' })

const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

/** How long ago, with the exact time to be read by who wants it. */
export function When({ at }: { at: number | string | undefined }) {
  if (at === undefined || at === 0 || at === '') {
    return <span className="dim">–</span>
  }
  const date = new Date(at)
  return (
    <time dateTime={date.toISOString()} title={DATE.format(date)} className="nowrap">
      {/* oxlint-disable-next-line react/purity -- drawn anew often enough */}
      {ago(date.getTime() - Date.now())}
    </time>
  )
}

export function ago(difference: number): string {
  for (const [unit, length] of UNITS) {
    if (Math.abs(difference) >= length) {
      return AGO.format(Math.round(difference / length), unit)
    }
  }
  return difference > 0 ? 'in a moment' : 'just now'
}

export function clock(at: string): string {
  return CLOCK.format(new Date(at))
}

/** `1m 04s` */
export function lasted(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m ${String(seconds % 60).padStart(2, '0')}s`
}
