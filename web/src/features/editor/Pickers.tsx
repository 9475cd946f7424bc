import { Autocomplete, Button, NativeSelect } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { call } from '../../api/client'
import { live } from '../../api/live'
import { Refused, useAct } from '../../ui/act'
import { useCatalogs, useSchemas } from '../../ui/catalog/lists'
import { Status } from '../../ui/Status'

const STILL = ['RUNNING', 'STOPPED', 'DELETED']

export function useWarehouses(workspaceId: string) {
  return useQuery(
    live(
      ['warehouses', workspaceId],
      () => call('GET /api/2.0/sql/warehouses', {}, undefined, workspaceId),
      (data) => (data.warehouses ?? []).every((each) => STILL.includes(each.state ?? '')),
    ),
  )
}

export type Warehouse = NonNullable<NonNullable<ReturnType<typeof useWarehouses>['data']>['warehouses']>[number]

/** The one that was chosen, as long as it is there; else one that runs. */
export const chosenOf = (all: Warehouse[], id: string): Warehouse | undefined =>
  all.find((each) => each.id === id) ?? all.find((each) => each.state === 'RUNNING') ?? all[0]

export function WarehousePicker(props: { workspaceId: string; all: Warehouse[]; chosen: Warehouse | undefined; onChoose: (id: string) => void }) {
  const { workspaceId, all, chosen } = props
  const start = useAct({
    act: (id: string) => call('POST /api/2.0/sql/warehouses/{id}/start', { id }, {}, workspaceId),
    changes: [['warehouses', workspaceId]],
  })
  return (
    <>
      <NativeSelect
        size="xs"
        aria-label="SQL warehouse"
        data={all.length === 0 ? [{ value: '', label: 'No warehouse' }] : all.map((each) => ({ value: each.id ?? '', label: each.name ?? '' }))}
        value={chosen?.id ?? ''}
        onChange={(event) => props.onChoose(event.currentTarget.value)}
      />
      {chosen && <Status state={chosen.state} />}
      {chosen?.state === 'STOPPED' && (
        <Button size="compact-xs" variant="default" loading={start.isPending} onClick={() => start.mutate(chosen.id ?? '')}>
          Start
        </Button>
      )}
      <Refused error={start.error} />
    </>
  )
}

/** Where names without a catalog or schema are looked up. Any may be typed: who has many sees the first of them. */
export function PlacePicker(props: { workspaceId: string; catalog: string; schema: string; onChange: (catalog: string, schema: string) => void }) {
  const { workspaceId, catalog, schema } = props
  const catalogs = useCatalogs(workspaceId)
  const schemas = useSchemas(workspaceId, catalog, catalog !== '')
  return (
    <>
      <Typed label="Catalog" none="Catalog" data={catalogs.rows.map((each) => each.name ?? '')} value={catalog} onChange={(to) => props.onChange(to, '')} />
      <Typed label="Schema" none="Schema" disabled={catalog === ''} data={schemas.rows.map((each) => each.name ?? '')} value={schema} onChange={(to) => props.onChange(catalog, to)} />
    </>
  )
}

/** Takes effect when it is chosen or left, not at each letter. */
function Typed(props: { label: string; none: string; data: string[]; value: string; disabled?: boolean; onChange: (to: string) => void }) {
  const [typed, setTyped] = useState(props.value)
  const [known, setKnown] = useState(props.value)
  if (known !== props.value) {
    setKnown(props.value)
    setTyped(props.value)
  }
  const leave = (to: string) => to.trim() !== props.value && props.onChange(to.trim())
  return (
    <Autocomplete
      size="xs"
      className="typed"
      aria-label={props.label}
      placeholder={props.none}
      disabled={props.disabled ?? false}
      data={props.data}
      limit={200}
      value={typed}
      onChange={setTyped}
      onOptionSubmit={leave}
      onBlur={() => leave(typed)}
      onKeyDown={(event) => event.key === 'Enter' && leave(typed)}
    />
  )
}

/** A statement may start its warehouse, which is looked at again when it ends. */
export function useLookAgain(workspaceId: string, busy: boolean) {
  const client = useQueryClient()
  useEffect(() => {
    if (!busy) {
      void client.invalidateQueries({ queryKey: ['warehouses', workspaceId] })
    }
  }, [client, workspaceId, busy])
}
