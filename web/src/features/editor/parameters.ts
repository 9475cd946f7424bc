// Parameters as fields, and as what is sent with a statement: values go beside the text, never into it.
import type { Body } from '../../api/client'
import type { Field, FieldType } from './tabs'

export type Parameter = NonNullable<Body<'POST /api/2.0/sql/statements'>['parameters']>[number]

export const TYPES: { value: FieldType; label: string }[] = [
  { value: 'text', label: 'Text' },
  { value: 'number', label: 'Number' },
  { value: 'date', label: 'Date' },
  { value: 'list', label: 'List' },
  { value: 'range', label: 'Date range' },
]

const ENDS: [string, string][] = [
  ['start', 'end'],
  ['from', 'to'],
  ['min', 'max'],
]

/** One field as it is shown; a range has two names. */
export interface Asked {
  /** Under which its value is kept. */
  key: string
  label: string
  names: string[]
  field: Field
  /** Whether it could be a range. */
  pair: boolean
}

/** The fields that a text with these parameters has: `:day_start` and `:day_end` are the two ends of one. */
export function fieldsOf(names: string[], kept: Record<string, Field>): Asked[] {
  const found: Asked[] = []
  const taken = new Set<string>()
  for (const name of names) {
    if (taken.has(name)) {
      continue
    }
    const pair = pairOf(name, names)
    const field = pair ? kept[pair.key] : undefined
    if (pair && (field?.type ?? 'range') === 'range') {
      pair.names.forEach((each) => taken.add(each))
      found.push({ ...pair, pair: true, field: field ?? { type: 'range', value: '' } })
    } else {
      found.push({ key: name, label: name, names: [name], pair: pair !== null, field: kept[name] ?? { type: 'text', value: '' } })
    }
  }
  return found
}

/** The range that a name is one end of, when the other end is there too. */
export function pairOf(name: string, names: string[]): { key: string; label: string; names: string[] } | null {
  for (const ends of ENDS) {
    const end = ends.find((each) => name.endsWith(`_${each}`))
    const base = end ? name.slice(0, -end.length - 1) : ''
    const both = ends.map((each) => `${base}_${each}`)
    if (base !== '' && both.every((each) => names.includes(each))) {
      return { key: `${base}_${ends.join('_')}`, label: base, names: both }
    }
  }
  return null
}

/** As the Statements API takes them; those of `names` only. */
export function parametersFor(names: string[], asked: Asked[]): Parameter[] {
  return asked
    .flatMap(({ names: own, field }) => {
      const values = field.type === 'range' ? field.value.split('/') : [field.value]
      return own.map((name, at) => ({ name, ...typed(field.type, values[at] ?? '') }))
    })
    .filter((each) => names.includes(each.name))
}

/** What is left empty is NULL, but a text may be empty. */
function typed(type: FieldType, value: string): { value?: string; type: string } {
  const given = value.trim() === '' ? {} : { value: value.trim() }
  switch (type) {
    case 'number':
      return { ...given, type: numberType(value.trim()) }
    case 'date':
    case 'range':
      return { ...given, type: 'DATE' }
    case 'list':
      return { value: listed(value).join(','), type: 'STRING' }
    case 'text':
      return { value, type: 'STRING' }
  }
}

/** The narrowest that holds it: LIMIT takes no BIGINT. */
export function numberType(value: string): string {
  if (/^[+-]?\d+$/.test(value)) {
    const number = BigInt(value)
    return BigInt.asIntN(32, number) === number ? 'INT' : BigInt.asIntN(64, number) === number ? 'BIGINT' : 'DECIMAL(38,0)'
  }
  const parts = /^[+-]?(\d*)\.(\d*)$/.exec(value)
  const [whole, part] = [parts?.[1]?.replace(/^0+/, '') ?? '', parts?.[2] ?? '']
  return parts && whole.length + part.length <= 38 ? `DECIMAL(${Math.max(1, whole.length + part.length)},${part.length})` : value === '' ? 'INT' : 'DOUBLE'
}

/** The values of a list, between commas or one a line. */
export const listed = (value: string): string[] =>
  value
    .split(/[\n,]/)
    .map((each) => each.trim())
    .filter((each) => each !== '')
