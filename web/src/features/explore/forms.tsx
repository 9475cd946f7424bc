// Making and changing what a catalog has in it, and catalogs.
import { Checkbox, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { Confirm, FormButton } from '../../ui/act'
import { everything, fullName, type Ref, shortName, useWorkspace } from '../../ui/catalog/names'
import { IconPlus } from '../../ui/icons'
import { Grantee } from './Grantee'

interface New {
  name: string
  comment: string
  storage_root?: string
}

/** With the fields that every kind has; `storage` where data may be kept elsewhere. */
export function Create(props: { label: string; storage: string; act: (made: New) => Promise<unknown>; then: (name: string) => void }) {
  const workspaceId = useWorkspace()
  const [form, setForm] = useState({ name: '', comment: '', root: '' })
  const set = (field: keyof typeof form) => (event: { currentTarget: { value: string } }) => {
    const { value } = event.currentTarget
    setForm((before) => ({ ...before, [field]: value }))
  }
  return (
    <FormButton
      label={props.label}
      submit="Create"
      icon={<IconPlus size={16} aria-hidden />}
      reset={() => setForm({ name: '', comment: '', root: '' })}
      act={() =>
        props.act({ name: form.name.trim(), comment: form.comment, ...(form.root.trim() ? { storage_root: form.root.trim() } : {}) })
      }
      changes={[everything(workspaceId)]}
      then={() => props.then(form.name.trim().toLowerCase())}
    >
      <div className="stack">
        <TextInput label="Name" required data-autofocus value={form.name} onChange={set('name')} />
        <Textarea label="Comment" autosize minRows={2} value={form.comment} onChange={set('comment')} />
        <TextInput label="Storage location" description={props.storage} placeholder="s3://…" value={form.root} onChange={set('root')} />
      </div>
    </FormButton>
  )
}

export function EditComment(props: { of: Ref; comment: string | undefined; act: (comment: string) => Promise<unknown>; about?: string }) {
  const workspaceId = useWorkspace()
  const [comment, setComment] = useState('')
  return (
    <FormButton
      label="Edit comment"
      title={`Comment on ${shortName(props.of)}`}
      submit="Save"
      variant="default"
      reset={() => setComment(props.comment ?? '')}
      act={() => props.act(comment)}
      changes={[everything(workspaceId)]}
      done="The comment was saved."
    >
      <Textarea
        label="Comment"
        description={props.about}
        data-autofocus
        autosize
        minRows={3}
        value={comment}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
    </FormButton>
  )
}

export function ChangeOwner(props: { of: Ref; act: (owner: string) => Promise<unknown> }) {
  const workspaceId = useWorkspace()
  const [owner, setOwner] = useState('')
  return (
    <FormButton
      label="Change owner"
      title={`Owner of ${fullName(props.of)}`}
      submit="Change"
      variant="default"
      size="xs"
      reset={() => setOwner('')}
      act={() => props.act(owner.trim())}
      changes={[everything(workspaceId)]}
      done={`${shortName(props.of)} belongs to ${owner}.`}
    >
      <p className="flat small dim">The owner manages it, and all that is in it. A group is often better than one person.</p>
      <Grantee label="New owner" value={owner} onChange={setOwner} focus />
    </FormButton>
  )
}

export function Delete(props: { of: Ref; act: (force: boolean) => Promise<unknown>; then: () => void; cascades: boolean; warning: string }) {
  const workspaceId = useWorkspace()
  const [force, setForce] = useState(false)
  return (
    <Confirm
      label="Delete"
      title={`Delete ${fullName(props.of)}?`}
      submit="Delete"
      reset={() => setForce(false)}
      act={() => props.act(force)}
      changes={[everything(workspaceId)]}
      done={`${fullName(props.of)} was deleted.`}
      then={props.then}
    >
      {props.warning}
      {props.cascades && (
        <Checkbox mt="sm" label="Delete all that is in it too" checked={force} onChange={(event) => setForce(event.currentTarget.checked)} />
      )}
    </Confirm>
  )
}
