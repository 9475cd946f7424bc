import { NativeSelect, TagsInput, TextInput } from '@mantine/core'
import { type Asked, fieldsOf, listed, numberType, TYPES } from './parameters'
import type { Field, FieldType } from './tabs'

/** A field for each parameter that the text has. */
export function Parameters(props: { names: string[]; fields: Record<string, Field>; onField: (key: string, field: Field) => void }) {
  const asked = fieldsOf(props.names, props.fields)
  return asked.length === 0 ? null : (
    <fieldset className="parameters">
      <legend className="unseen">Parameters</legend>
      {asked.map((each) => (
        <div key={each.key} className="parameter">
          <Value of={each} onChange={(value) => props.onField(each.key, { ...each.field, value })} />
          <NativeSelect
            size="xs"
            aria-label={`Type of ${each.label}`}
            data={TYPES.filter((type) => type.value !== 'range' || each.pair)}
            value={each.field.type}
            onChange={(event) => {
              const type = event.currentTarget.value as FieldType
              const field = { type, value: type === 'range' || each.field.type === 'range' ? '' : each.field.value }
              props.onField(each.key, field)
              // One end stands alone from now on, or both are one again.
              if (each.pair && (type === 'range' || each.field.type === 'range')) {
                const other = fieldsOf(props.names, {}).find((range) => range.names.includes(each.names[0]!))
                if (other) {
                  props.onField(other.key, { type, value: '' })
                }
              }
            }}
          />
        </div>
      ))}
    </fieldset>
  )
}

function Value({ of, onChange }: { of: Asked; onChange: (value: string) => void }) {
  const { field, label } = of
  const shown = { size: 'xs' as const, label: `:${of.names.join(', :')}` }
  switch (field.type) {
    case 'number':
      return (
        <TextInput
          {...shown}
          inputMode="decimal"
          placeholder="null"
          value={field.value}
          error={/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^$/.test(field.value.trim()) ? null : 'no number'}
          description={field.value.trim() === '' ? undefined : numberType(field.value.trim())}
          inputWrapperOrder={['label', 'input', 'error']}
          onChange={(event) => onChange(event.currentTarget.value)}
        />
      )
    case 'date':
      return <TextInput {...shown} type="date" value={field.value} onChange={(event) => onChange(event.currentTarget.value)} />
    case 'range': {
      const [from = '', to = ''] = field.value.split('/')
      return (
        <div className="range">
          <TextInput {...shown} type="date" aria-label={`${label} from`} value={from} onChange={(event) => onChange(`${event.currentTarget.value}/${to}`)} />
          <TextInput {...shown} label="to" type="date" aria-label={`${label} to`} value={to} error={from && to && from > to ? 'before the beginning' : null} onChange={(event) => onChange(`${from}/${event.currentTarget.value}`)} />
        </div>
      )
    }
    case 'list':
      return (
        <TagsInput
          {...shown}
          value={listed(field.value)}
          onChange={(values) => onChange(values.join('\n'))}
          splitChars={[',', '\n']}
          placeholder="Enter after each"
          title={`One text with commas, for array_contains(split(:${of.names[0]}, ','), column)`}
        />
      )
    case 'text':
      return <TextInput {...shown} value={field.value} onChange={(event) => onChange(event.currentTarget.value)} />
  }
}
