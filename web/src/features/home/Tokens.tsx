import { NumberInput, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client'
import { Answer, Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { Copyable } from '../../ui/Copy'
import { IconPlus } from '../../ui/icons'
import { Table } from '../../ui/List'
import { Page } from '../../ui/Page'
import { ShowCode } from '../../ui/ShowCode'
import { When } from '../../ui/time'

const DAY = 86_400

export function Tokens() {
  const { workspaceId } = useParams({ strict: false }) as { workspaceId: string }
  const key = ['tokens', workspaceId]
  const answer = useQuery({ queryKey: key, queryFn: () => call('GET /api/2.0/token/list', {}, undefined, workspaceId) })
  const [form, setForm] = useState({ comment: '', days: 90 })
  const [made, setMade] = useState<string | null>(null)
  return (
    <Page
      title="Access tokens"
      about="For programs that act as you in this workspace. Each is shown once."
      actions={
        <>
          <ShowCode
            title="Access tokens"
            of={{
              python: 'from databricks.sdk import WorkspaceClient\n\nw = WorkspaceClient()\nt = w.tokens.create(comment="laptop", lifetime_seconds=90 * 86400)\nprint(t.token_value)  # shown once',
              curl: `curl -sS -X POST "${location.origin}/api/2.0/token/create" \\\n  -H "Authorization: Bearer $DATABRICKS_TOKEN" \\\n  -d '{"comment": "laptop", "lifetime_seconds": 7776000}'`,
              terraform: 'resource "databricks_token" "laptop" {\n  comment          = "laptop"\n  lifetime_seconds = 7776000\n}',
            }}
          />
          <FormButton
            label="Generate token"
            submit="Generate"
            icon={<IconPlus size={16} aria-hidden />}
            reset={() => setForm({ comment: '', days: 90 })}
            act={() =>
              call('POST /api/2.0/token/create', {}, { comment: form.comment, lifetime_seconds: form.days * DAY }, workspaceId)
            }
            changes={[key]}
            then={(token) => setMade(token.token_value ?? '')}
          >
            <div className="stack">
              <TextInput label="What for" data-autofocus value={form.comment} onChange={(e) => setForm({ ...form, comment: e.currentTarget.value })} />
              <NumberInput label="Valid for days" min={1} max={3650} required value={form.days} onChange={(days) => setForm({ ...form, days: Number(days) })} />
            </div>
          </FormButton>
        </>
      }
    >
      {made && (
        <div className="once" role="status">
          <b>Copy the token now.</b> It is not shown again.
          <div>
            <Copyable value={made} label="token" />
          </div>
        </div>
      )}
      <div className="card">
        <Answer
          of={answer}
          isEmpty={(data) => !data.token_infos?.length}
          empty={
            <Empty title="No tokens">
              <p>Generate one for the SDK, curl or Terraform.</p>
            </Empty>
          }
        >
          {(data) => (
            <Table
              label="Access tokens"
              rows={data.token_infos ?? []}
              id={(row) => row.token_id ?? ''}
              columns={[
                { label: 'What for', cell: (row) => row.comment || <span className="dim">–</span> },
                { label: 'Created', cell: (row) => <When at={row.creation_time} />, wide: true },
                { label: 'Valid until', cell: (row) => (row.expiry_time === -1 ? 'it is revoked' : <When at={row.expiry_time} />) },
                {
                  label: 'Revoke',
                  end: true,
                  cell: (row) => (
                    <Confirm
                      label="Revoke"
                      size="xs"
                      variant="subtle"
                      title="Revoke this token?"
                      submit="Revoke"
                      act={() => call('POST /api/2.0/token/delete', {}, { token_id: row.token_id ?? '' }, workspaceId)}
                      changes={[key]}
                    >
                      Programs that use it are refused at once.
                    </Confirm>
                  ),
                },
              ]}
            />
          )}
        </Answer>
      </div>
    </Page>
  )
}
