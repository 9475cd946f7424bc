import { screen } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { useQuery } from '@tanstack/react-query'
import { describe, expect, it } from 'vitest'
import { call } from '../api/client'
import { answering, show } from '../test/server'
import { Answer } from './Answer'
import { contains, PagedList } from './List'
import { curl } from './ShowCode'
import { tone } from './Status'
import { lasted } from './time'

function Sessions() {
  const answer = useQuery({ queryKey: ['sessions'], queryFn: () => call('GET /api/2.0/tarn/sessions', {}) })
  return (
    <Answer of={answer} isEmpty={(data) => !data.sessions?.length} empty={<p>none yet</p>}>
      {(data) => <p>{data.sessions?.length} sessions</p>}
    </Answer>
  )
}

describe('a page', () => {
  it('shows that it waits, then what came', async () => {
    answering({ 'GET /api/2.0/tarn/sessions': { sessions: [{}, {}] } })
    show(Sessions)
    expect(await screen.findByRole('status', { name: 'Loading' })).toBeTruthy()
    expect(await screen.findByText('2 sessions')).toBeTruthy()
  })

  it('says when there is nothing', async () => {
    answering({ 'GET /api/2.0/tarn/sessions': { sessions: [] } })
    show(Sessions)
    expect(await screen.findByText('none yet')).toBeTruthy()
  })

  it('says who may not see it, in the words of the server', async () => {
    answering({ 'GET /api/2.0/tarn/sessions': Response.json({ message: 'mia is not allowed' }, { status: 403 }) })
    show(Sessions)
    expect((await screen.findByRole('alert')).textContent).toContain('You may not see this')
    expect(screen.getByText('mia is not allowed')).toBeTruthy()
  })

  it('can be tried again after a failure', async () => {
    const answers: Record<string, unknown> = { 'GET /api/2.0/tarn/sessions': Response.json({ message: 'broken' }, { status: 500 }) }
    answering(answers)
    show(Sessions)
    await screen.findByText('broken')
    answers['GET /api/2.0/tarn/sessions'] = { sessions: [{}] }
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }))
    expect(await screen.findByText('1 sessions')).toBeTruthy()
  })
})

describe('a list', () => {
  it('asks the server for one page, and for what is typed', async () => {
    const asked: unknown[] = []
    const ask = (page: { filter: string; startIndex: number; count: number }) => {
      asked.push(page)
      return Promise.resolve({ rows: [`row ${page.startIndex}`], total: 60 })
    }
    show(() => (
      <PagedList label="things" queryKey={['things']} ask={ask} id={(row) => row} empty={null} columns={[{ label: 'Thing', cell: (row) => row }]} />
    ))
    await screen.findByText('row 1')
    await userEvent.click(screen.getByRole('button', { name: 'Next' }))
    await screen.findByText('row 26')
    await userEvent.type(screen.getByRole('searchbox'), 'abc')
    await screen.findByText('row 1')
    await expect.poll(() => asked.at(-1)).toEqual({ filter: 'abc', startIndex: 1, count: 25 })
    expect(asked.length).toBeLessThan(6)
  })
})

describe('words', () => {
  it.each([
    ['CREATE_COMPLETE', 'ok'],
    ['RUNNING', 'ok'],
    ['CREATE_IN_PROGRESS', 'busy'],
    ['ROLLBACK_IN_PROGRESS', 'busy'],
    ['PROVISIONING', 'busy'],
    ['ROLLBACK_COMPLETE', 'bad'],
    ['IN_SYNC', 'ok'],
    ['MODIFIED', 'bad'],
    ['FAILED', 'bad'],
    ['Disabled', 'bad'],
    ['STOPPED', 'idle'],
    ['PENDING', 'idle'],
    ['NOT_PROVISIONED', 'idle'],
  ])('%s is %s', (state, expected) => {
    expect(tone(state)).toBe(expected)
  })

  it('quotes what was typed into a filter', () => {
    expect(contains('o"r', 'userName', 'displayName')).toBe('userName co "o\\"r" or displayName co "o\\"r"')
    expect(contains('', 'userName')).toBe('')
  })

  it('says how long something lasted', () => {
    expect([lasted(400), lasted(61_000), lasted(3_725_000)]).toEqual(['0s', '1m 01s', '62m 05s'])
  })

  it('quotes a body for the shell', () => {
    expect(curl('POST /api/x', { name: "it's" })).toContain(`it'\\''s`)
  })
})
