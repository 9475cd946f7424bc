import { Alert, Button, Group, Modal, Text } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { type QueryKey, useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, type ReactNode, useState } from 'react'

/** A change, what to ask anew after it, and what to say when it is done. */
export function useAct<V, T>(options: {
  act: (input: V) => Promise<T>
  /** All lists and details whose key begins so. */
  changes: QueryKey[]
  done?: string | undefined
  then?: (result: T) => void
}) {
  const client = useQueryClient()
  return useMutation<T, Error, V>({
    mutationFn: options.act,
    onSuccess: async (result) => {
      await Promise.all(options.changes.map((queryKey) => client.invalidateQueries({ queryKey })))
      if (options.done) {
        notifications.show({ message: options.done })
      }
      options.then?.(result)
    },
  })
}

export function Refused({ error }: { error: Error | null }) {
  return error ? (
    <Alert color="red" variant="light" role="alert" title="That was refused" mb="sm">
      <span style={{ overflowWrap: 'anywhere' }}>{error.message}</span>
    </Alert>
  ) : null
}

/** A button that opens a dialog with a form; focus goes back to the button. */
export function FormButton<T>(props: {
  label: string
  title?: string
  submit: string
  icon?: ReactNode
  variant?: 'filled' | 'default' | 'subtle'
  size?: 'xs' | 'sm'
  danger?: boolean
  act: () => Promise<T>
  changes: QueryKey[]
  done?: string
  then?: (result: T) => void
  /** Begins anew each time it is opened. */
  reset?: () => void
  children: ReactNode
}) {
  const [opened, { open, close }] = useDisclosure(false)
  const act = useAct<void, T>({
    act: props.act,
    changes: props.changes,
    done: props.done,
    then: (result) => {
      close()
      props.then?.(result)
    },
  })
  return (
    <>
      <Button
        variant={props.variant ?? 'filled'}
        size={props.size ?? 'sm'}
        color={props.variant === 'subtle' ? 'gray' : undefined}
        c={props.danger ? 'var(--bad)' : undefined}
        leftSection={props.icon}
        onClick={() => {
          act.reset()
          props.reset?.()
          open()
        }}
      >
        {props.label}
      </Button>
      <Modal opened={opened} onClose={close} title={<b>{props.title ?? props.label}</b>}>
        <form
          onSubmit={(event: FormEvent) => {
            event.preventDefault()
            act.mutate()
          }}
        >
          <Refused error={act.error} />
          {props.children}
          <Group justify="flex-end" mt="md">
            <Button variant="default" onClick={close}>
              Cancel
            </Button>
            <Button type="submit" color={props.danger ? 'red.8' : undefined} loading={act.isPending}>
              {props.submit}
            </Button>
          </Group>
        </form>
      </Modal>
    </>
  )
}

/** Asks before it deletes or takes away; with `danger={false}` before something that can be taken back. */
export function Confirm(props: {
  label: string
  title: string
  submit: string
  size?: 'xs' | 'sm'
  variant?: 'default' | 'subtle'
  danger?: boolean
  act: () => Promise<unknown>
  changes: QueryKey[]
  done?: string
  then?: () => void
  reset?: () => void
  children: ReactNode
}) {
  return (
    <FormButton {...props} variant={props.variant ?? 'default'} danger={props.danger ?? true}>
      <Text size="sm" component="div">
        {props.children}
      </Text>
    </FormButton>
  )
}

/** Something that is shown only this once, such as a new token. */
export function useShownOnce() {
  const [value, setValue] = useState<string | null>(null)
  return { value, show: setValue, clear: () => setValue(null) }
}
