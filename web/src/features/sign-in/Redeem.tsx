import { Button, NativeSelect, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { call, type Result } from '../../api/client'
import { type Session, useAdoption } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { Refused } from '../../ui/act'
import { Alone } from './Alone'

const REGIONS = [
  'us-east-1', 'us-east-2', 'us-west-2', 'ca-central-1', 'eu-central-1', 'eu-west-1', 'eu-west-2', 'eu-west-3',
  'ap-northeast-1', 'ap-south-1', 'ap-southeast-1', 'ap-southeast-2', 'sa-east-1',
]

const WORDS = {
  FIRST_ADMIN: ['Set up your account', 'You will be its first administrator.', 'Create account'],
  INVITATION: ['Welcome', 'Choose a password, and you are in.', 'Join'],
  RECOVERY: ['Choose a new password', 'Your other sessions end.', 'Set password'],
} as const

type Invitation = Result<'POST /api/2.0/tarn/invitations/inspect'>

/** Where a one-time link leads. Its token is in the fragment, which no server and no log sees. */
export function Redeem() {
  const [token] = useState(() => location.hash.slice(1))
  useEffect(() => history.replaceState(history.state, '', location.pathname), [])
  const invitation = useQuery({
    queryKey: ['invitation', token],
    queryFn: () => call('POST /api/2.0/tarn/invitations/inspect', {}, { token }),
    retry: false,
    enabled: token !== '',
  })
  if (token === '') {
    return (
      <Alone title="This link is not whole">
        <p className="dim">Open it again from where you got it, with everything after the #.</p>
        <Link to="/login" className="plain-link">
          To the sign-in page
        </Link>
      </Alone>
    )
  }
  if (!invitation.data) {
    return (
      <Alone title="One-time link">
        <Answer of={invitation}>{() => null}</Answer>
      </Alone>
    )
  }
  return <Form token={token} invitation={invitation.data} />
}

function Form({ token, invitation }: { token: string; invitation: Invitation }) {
  const kind = (invitation.kind ?? 'INVITATION') as keyof typeof WORDS
  const [title, about, submit] = WORDS[kind]
  const first = kind === 'FIRST_ADMIN'
  const [form, setForm] = useState({
    display_name: '',
    user_name: invitation.user_name ?? '',
    account_name: invitation.account_name ?? '',
    region: invitation.region ?? 'us-east-1',
    password: '',
    again: '',
  })
  const set = (field: keyof typeof form) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget
    setForm((before) => ({ ...before, [field]: value }))
  }
  const adopt = useAdoption()
  const navigate = useNavigate()
  const redeem = useMutation({
    mutationFn: () =>
      call(
        'POST /api/2.0/tarn/invitations/redeem',
        {},
        {
          token,
          password: form.password,
          ...(kind === 'RECOVERY' ? {} : { display_name: form.display_name }),
          ...(first ? { user_name: form.user_name, account_name: form.account_name, region: form.region } : {}),
        },
      ) as Promise<Session>,
    onSuccess: async (found) => {
      adopt(found)
      await navigate({ to: '/workspaces', replace: true })
    },
  })
  const differs = form.again !== '' && form.again !== form.password
  return (
    <Alone title={title}>
      <p className="dim" style={{ marginTop: 0 }}>
        {about}
      </p>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          if (!differs) {
            redeem.mutate()
          }
        }}
      >
        <div className="stack">
          <Refused error={redeem.error} />
          {kind !== 'RECOVERY' && (
            <TextInput label="Your name" autoComplete="name" required autoFocus value={form.display_name} onChange={set('display_name')} />
          )}
          <TextInput
            label="E-mail"
            type="email"
            autoComplete="username"
            required
            readOnly={!first}
            value={form.user_name}
            onChange={set('user_name')}
          />
          {first && (
            <>
              <TextInput label="Account name" required value={form.account_name} onChange={set('account_name')} />
              <NativeSelect
                label="Region"
                description="The AWS region that workspaces say they are in."
                data={[...new Set([form.region, ...REGIONS])]}
                value={form.region}
                onChange={set('region')}
              />
            </>
          )}
          <PasswordInput
            label="Password"
            description="At least 12 characters."
            autoComplete="new-password"
            required
            minLength={12}
            value={form.password}
            onChange={set('password')}
          />
          <PasswordInput
            label="Password again"
            autoComplete="new-password"
            required
            value={form.again}
            error={differs && 'The two are not the same'}
            onChange={set('again')}
          />
          <Button type="submit" fullWidth loading={redeem.isPending}>
            {submit}
          </Button>
        </div>
      </form>
    </Alone>
  )
}
