import { describe, expect, it } from 'vitest'
import { fieldsOf, numberType, parametersFor } from './parameters'

describe('fields', () => {
  it('are a range where both of its ends are in the text', () => {
    const asked = fieldsOf(['day_start', 'n', 'day_end', 'x_to'], { day_start_end: { type: 'range', value: '2026-01-01/2026-02-01' }, n: { type: 'number', value: ' 7 ' } })
    expect(asked.map((each) => [each.label, each.names, each.field.type])).toEqual([
      ['day', ['day_start', 'day_end'], 'range'],
      ['n', ['n'], 'number'],
      ['x_to', ['x_to'], 'text'],
    ])
    expect(parametersFor(['day_start', 'day_end', 'n'], asked)).toEqual([
      { name: 'day_start', value: '2026-01-01', type: 'DATE' },
      { name: 'day_end', value: '2026-02-01', type: 'DATE' },
      { name: 'n', value: '7', type: 'INT' },
    ])
  })

  it('are two where one wants them so', () => {
    const asked = fieldsOf(['day_start', 'day_end'], { day_start_end: { type: 'date', value: '' }, day_start: { type: 'date', value: '2026-01-01' } })
    expect(asked.map((each) => [each.names, each.field.type, each.pair])).toEqual([
      [['day_start'], 'date', true],
      [['day_end'], 'text', true],
    ])
  })

  it('are sent beside the text: empty is null, but for texts; a list is one text', () => {
    const asked = fieldsOf(['a', 'b', 'c', 'd'], {
      a: { type: 'text', value: "x'; DROP TABLE t; --" },
      b: { type: 'date', value: '' },
      c: { type: 'list', value: 'one, two\nthree' },
    })
    expect(parametersFor(['a', 'b', 'c', 'd'], asked)).toEqual([
      { name: 'a', value: "x'; DROP TABLE t; --", type: 'STRING' },
      { name: 'b', type: 'DATE' },
      { name: 'c', value: 'one,two,three', type: 'STRING' },
      { name: 'd', value: '', type: 'STRING' },
    ])
  })

  it.each([
    ['1', 'INT'], ['-2147483648', 'INT'], ['2147483648', 'BIGINT'], ['9223372036854775808', 'DECIMAL(38,0)'], ['0.5', 'DECIMAL(1,1)'],
    ['12.340', 'DECIMAL(5,3)'], ['1e3', 'DOUBLE'], ['', 'INT'],
  ])('have %s as a number of type %s', (value, type) => {
    expect(numberType(value)).toBe(type)
  })
})
