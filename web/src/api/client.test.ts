import { describe, expect, it, vi } from 'vitest'
import { answering } from '../test/server'
import { call, identify, onSignedOut, Problem } from './client'
import { safeNext } from './session'

describe('a call', () => {
  it('puts into the path what the path names, and the rest into the query', async () => {
    identify('account-1', 'csrf-1')
    const asked = answering({ 'GET /api/2.0/accounts/account-1/scim/v2/Users': { Resources: [] } })
    await call('GET /api/2.0/accounts/{account_id}/scim/v2/Users', { startIndex: 26, count: 25, filter: 'userName co "a&b"' })
    expect(asked[0]?.path).toBe('/api/2.0/accounts/account-1/scim/v2/Users?startIndex=26&count=25&filter=userName+co+%22a%26b%22')
    expect(asked[0]?.headers.has('x-csrf-token')).toBe(false)
  })

  it('that changes something carries the token of the session, and names the workspace it is for', async () => {
    identify('account-1', 'csrf-1')
    const asked = answering({ 'POST /api/2.0/sql/warehouses/a%2Fb/start': {} })
    await call('POST /api/2.0/sql/warehouses/{id}/start', { id: 'a/b' }, {}, '42')
    expect(asked[0]?.headers.get('x-csrf-token')).toBe('csrf-1')
    expect(asked[0]?.headers.get('x-databricks-workspace-id')).toBe('42')
  })

  it('that is refused says so in the words of the server, in each of its shapes', async () => {
    answering({
      'GET /api/2.0/tarn/sessions': Response.json({ error_code: 'PERMISSION_DENIED', message: 'not yours' }, { status: 403 }),
      'GET /api/2.0/token/list': Response.json({ detail: 'no such user', scimType: 'noTarget', status: '400' }, { status: 400 }),
    })
    await expect(call('GET /api/2.0/tarn/sessions', {})).rejects.toEqual(new Problem(403, 'PERMISSION_DENIED', 'not yours'))
    await expect(call('GET /api/2.0/token/list', {})).rejects.toMatchObject({ message: 'no such user', code: 'noTarget' })
  })

  it('without a session tells who listens; one that asks for the session does not', async () => {
    const gone = vi.fn<() => void>()
    onSignedOut(gone)
    answering({
      'GET /api/2.0/tarn/session': Response.json({ message: 'nobody' }, { status: 401 }),
      'GET /api/2.0/tarn/sessions': Response.json({ message: 'nobody' }, { status: 401 }),
    })
    await expect(call('GET /api/2.0/tarn/session', {})).rejects.toMatchObject({ status: 401 })
    expect(gone).not.toHaveBeenCalled()
    await expect(call('GET /api/2.0/tarn/sessions', {})).rejects.toMatchObject({ status: 401 })
    expect(gone).toHaveBeenCalledOnce()
  })

  it('that cannot reach the server is a problem like others', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('network')))
    await expect(call('GET /api/2.0/tarn/session', {})).rejects.toMatchObject({ status: 0, code: 'UNREACHABLE' })
  })
})

describe('after signing in one goes', () => {
  it.each(['/w/1?x=2', '/oidc/v1/authorize?client_id=a'])('to %s, which is ours', (next) => {
    expect(safeNext(next)).toBe(next)
  })
  it.each(['https://evil.test/', '//evil.test/', '/\\evil.test', 'javascript:alert(1)', '', undefined, 7])(
    'to the start instead of %s',
    (next) => {
      expect(safeNext(next)).toBe('/')
    },
  )
})
