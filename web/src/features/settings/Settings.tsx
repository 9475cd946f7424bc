import { Button, Group, PasswordInput, SegmentedControl, useMantineColorScheme } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client'
import { useSession } from '../../api/session'
import { Answer, Empty } from '../../ui/Answer'
import { Confirm, Refused, useAct } from '../../ui/act'
import { Table } from '../../ui/List'
import { Page } from '../../ui/Page'
import { Status } from '../../ui/Status'
import { When } from '../../ui/time'

export function Settings() {
  const who = useSession()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <Page title="Your settings" about={who.user_name}>
      <div className="stack" style={{ maxWidth: '52rem' }}>
        <section className="card pad" aria-labelledby="appearance">
          <h2 id="appearance">Appearance</h2>
          <SegmentedControl
            aria-labelledby="appearance"
            value={colorScheme}
            onChange={(value) => setColorScheme(value as 'auto' | 'light' | 'dark')}
            data={[
              { value: 'auto', label: 'As the system' },
              { value: 'light', label: 'Light' },
              { value: 'dark', label: 'Dark' },
            ]}
          />
        </section>
        <Password />
        <Sessions />
        <section className="card pad" aria-labelledby="tokens">
          <h2 id="tokens">Access tokens</h2>
          <p className="dim small" style={{ margin: 0 }}>
            Personal access tokens belong to a workspace: open one, then “Access tokens”.
          </p>
        </section>
      </div>
    </Page>
  )
}

const EMPTY = { old_password: '', new_password: '' }

function Password() {
  const [form, setForm] = useState(EMPTY)
  const change = useAct({
    act: () => call('POST /api/2.0/tarn/password', {}, form),
    changes: [['sessions']],
    done: 'Your password was changed. Your other sessions have ended.',
    then: () => setForm(EMPTY),
  })
  return (
    <section className="card pad" aria-labelledby="password">
      <h2 id="password">Password</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          change.mutate(undefined)
        }}
      >
        <Refused error={change.error} />
        <Group align="end" grow preventGrowOverflow={false} wrap="wrap">
          <PasswordInput
            label="Password now"
            autoComplete="current-password"
            required
            value={form.old_password}
            onChange={(event) => setForm({ ...form, old_password: event.currentTarget.value })}
          />
          <PasswordInput
            label="New password"
            autoComplete="new-password"
            required
            minLength={12}
            value={form.new_password}
            onChange={(event) => setForm({ ...form, new_password: event.currentTarget.value })}
          />
          <Button type="submit" variant="default" loading={change.isPending}>
            Change password
          </Button>
        </Group>
      </form>
    </section>
  )
}

function Sessions() {
  const answer = useQuery({ queryKey: ['sessions'], queryFn: () => call('GET /api/2.0/tarn/sessions', {}) })
  return (
    <section className="card" aria-labelledby="sessions">
      <h2 id="sessions" style={{ padding: '0.8rem 0.9rem 0' }}>
        Where you are signed in
      </h2>
      <Answer of={answer} isEmpty={(data) => !data.sessions?.length} empty={<Empty title="Nowhere" />}>
        {(data) => (
          <Table
            label="Sessions"
            rows={data.sessions ?? []}
            id={(row) => row.session_id ?? ''}
            columns={[
              {
                label: 'Browser',
                cell: (row) => (
                  <>
                    {browser(row.user_agent)} {row.current && <Status state="this one" as="ok" />}
                    <div className="dim small">{row.address}</div>
                  </>
                ),
              },
              { label: 'Since', cell: (row) => <When at={row.created_at} />, wide: true },
              { label: 'Last used', cell: (row) => <When at={row.last_used_at} /> },
              {
                label: 'End',
                end: true,
                cell: (row) =>
                  !row.current && (
                    <Confirm
                      label="End"
                      size="xs"
                      variant="subtle"
                      title="End this session?"
                      submit="End session"
                      act={() => call('DELETE /api/2.0/tarn/sessions/{session_id}', { session_id: row.session_id ?? '' })}
                      changes={[['sessions']]}
                    >
                      That browser has to sign in again.
                    </Confirm>
                  ),
              },
            ]}
          />
        )}
      </Answer>
    </section>
  )
}

/** `Chrome on Linux`, as far as a browser says. */
export function browser(userAgent: string | undefined): string {
  const name = /(Edg|OPR|Firefox|HeadlessChrome|Chrome|Safari)\//.exec(userAgent ?? '')?.[1]
  const system = /(Windows|Mac OS X|Android|iPhone|iPad|Linux)/.exec(userAgent ?? '')?.[1]
  const known = { Edg: 'Edge', OPR: 'Opera', HeadlessChrome: 'Chrome' } as Record<string, string>
  const called = name ? (known[name] ?? name) : userAgent?.startsWith('Mozilla') ? 'A browser' : userAgent?.slice(0, 40)
  return `${called || 'A browser'}${system ? ` on ${system}` : ''}`
}
