import { Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client'
import { safeNext, type Session, useAdoption } from '../../api/session'
import { Refused } from '../../ui/act'
import { Alone } from './Alone'

/** Also where an application's sign-in through the browser leads first: `next` is then the authorization endpoint. */
export function Login() {
  const { next } = useSearch({ strict: false }) as { next?: string }
  const [userName, setUserName] = useState('')
  const [password, setPassword] = useState('')
  const adopt = useAdoption()
  const navigate = useNavigate()
  const signIn = useMutation({
    mutationFn: () => call('POST /api/2.0/tarn/session', {}, { user_name: userName, password }) as Promise<Session>,
    onSuccess: async (found) => {
      adopt(found)
      const target = safeNext(next)
      if (target.startsWith('/oidc/')) {
        location.assign(target) // no page of ours
      } else {
        await navigate({ to: target, replace: true })
      }
    },
  })
  return (
    <Alone title="Sign in">
      <form
        onSubmit={(event) => {
          event.preventDefault()
          signIn.mutate()
        }}
      >
        <div className="stack" style={{ marginTop: '1rem' }}>
          <Refused error={signIn.error} />
          <TextInput
            label="E-mail"
            type="email"
            autoComplete="username"
            required
            autoFocus
            value={userName}
            onChange={(event) => setUserName(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button type="submit" fullWidth loading={signIn.isPending}>
            Sign in
          </Button>
          <p className="dim small" style={{ margin: 0 }}>
            Forgotten? An administrator of the machine makes a link with{' '}
            <span className="mono">./tarn account recover</span>.
          </p>
        </div>
      </form>
    </Alone>
  )
}
