import { Checkbox, FileInput, Progress, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { type ReactNode, useState } from 'react'
import { type Body, call, fileUrl, upload } from '../../api/client'
import { Confirm, FormButton } from '../../ui/act'
import { Empty } from '../../ui/Answer'
import { PAGE, usePages, useVolumes } from '../../ui/catalog/lists'
import { everything, fullName, literal, placeOf, quoted, type Ref, schemaRef, useWorkspace, volumeRef } from '../../ui/catalog/names'
import { python, terraform } from '../../ui/code'
import { Copyable } from '../../ui/Copy'
import { IconFile, IconFolder, IconPlus, IconUpload } from '../../ui/icons'
import { curl } from '../../ui/ShowCode'
import { When } from '../../ui/time'
import { useMine } from './access'
import { ChangeOwner, Create, Delete, EditComment } from './forms'
import { Details, ObjectPage } from './ObjectPage'
import { PageList } from './PageList'
import { Permissions } from './Permissions'

/** Where the files of a volume are, for whoever asks by path. */
const pathOf = (of: Ref) => `/Volumes/${of.names.join('/')}`

export function Volume() {
  const workspaceId = useWorkspace()
  const { catalog, schema, name } = useParams({ strict: false }) as { catalog: string; schema: string; name: string }
  const of = volumeRef(catalog, schema, name)
  const full = fullName(of)
  const navigate = useNavigate()
  const mine = useMine(of)
  const answer = useQuery({
    queryKey: [...everything(workspaceId), 'volume', full],
    queryFn: () => call('GET /api/2.1/unity-catalog/volumes/{name}', { name: full, include_browse: true }, undefined, workspaceId),
  })
  const update = (body: Body<'PATCH /api/2.1/unity-catalog/volumes/{name}'>) =>
    call('PATCH /api/2.1/unity-catalog/volumes/{name}', { name: full }, body, workspaceId)
  return (
    <ObjectPage
      key={full}
      of={of}
      answer={answer}
      what={(found) => (found.volume_type === 'EXTERNAL' ? 'External volume' : 'Managed volume')}
      code={{
        python: python(
          `w.files.upload("${pathOf(of)}/some.csv", open("some.csv", "rb"))\nfor each in w.files.list_directory_contents("${pathOf(of)}"):\n    print(each.path, each.file_size)`,
        ),
        curl: curl(`GET /api/2.0/fs/directories${pathOf(of)}`),
        terraform: terraform('databricks_volume', name, {
          catalog_name: catalog,
          schema_name: schema,
          name,
          volume_type: answer.data?.volume_type,
          comment: answer.data?.comment,
        }),
        sql: `LIST ${literal(`${pathOf(of)}/`)};\n\nDESCRIBE VOLUME ${quoted(of)};`,
      }}
      actions={
        mine.owns && (
          <>
            <EditComment of={of} comment={answer.data?.comment} act={(comment) => update({ comment })} />
            <Delete
              of={of}
              cascades={false}
              warning={answer.data?.volume_type === 'EXTERNAL' ? 'Its files stay where they are.' : 'Its files go with it.'}
              act={() => call('DELETE /api/2.1/unity-catalog/volumes/{name}', { name: full }, undefined, workspaceId)}
              then={() => void navigate(placeOf(workspaceId, schemaRef(catalog, schema)))}
            />
          </>
        )
      }
      tabs={(found) => [
        { id: 'files', label: 'Files', show: <Files of={of} writes={mine.may?.includes('WRITE_VOLUME') ?? false} /> },
        {
          id: 'details',
          label: 'Details',
          show: (
            <Details
              of={found}
              id={found.volume_id}
              owner={mine.owns ? <ChangeOwner of={of} act={(owner) => update({ owner })} /> : null}
              more={[{ label: 'Path', value: <Copyable value={pathOf(of)} label="path" /> }]}
            />
          ),
        },
        { id: 'permissions', label: 'Permissions', show: <Permissions of={of} /> },
      ]}
    />
  )
}

/** A folder of it; the address says which. */
function Files({ of, writes }: { of: Ref; writes: boolean }) {
  const workspaceId = useWorkspace()
  const { at = '' } = useSearch({ strict: false }) as { at?: string }
  const folder = at ? `${pathOf(of)}/${at}` : pathOf(of)
  const key = [...everything(workspaceId), 'files', folder]
  const files = usePages(key, (page_token) =>
    call(
      'GET /api/2.0/fs/directories{directory_path}',
      { directory_path: folder, page_size: PAGE, page_token },
      undefined,
      workspaceId,
    ).then((found) => ({ rows: found.contents ?? [], next: found.next_page_token })),
  )
  const steps = at ? at.split('/') : []
  const remove = (path: string, directory: boolean) =>
    directory
      ? call('DELETE /api/2.0/fs/directories{directory_path}', { directory_path: path }, undefined, workspaceId)
      : call('DELETE /api/2.0/fs/files{file_path}', { file_path: path }, undefined, workspaceId)
  return (
    <div className="stack">
      <div className="bar-of">
        <nav aria-label="Folder" className="crumbs mono">
          <Folder at="">{pathOf(of)}</Folder>
          {steps.map((step, depth) => (
            <span key={steps.slice(0, depth + 1).join('/')}>
              / <Folder at={steps.slice(0, depth + 1).join('/')}>{step}</Folder>
            </span>
          ))}
        </nav>
        {writes && (
          <span className="named">
            <NewFolder folder={folder} changes={key} />
            <Upload folder={folder} changes={key} />
          </span>
        )}
      </div>
      <PageList
        of={files}
        label="Files"
        id={(row) => row.path ?? ''}
        empty={<Empty title={at ? 'Nothing is in this folder' : 'No files yet'} />}
        columns={[
          {
            label: 'Name',
            cell: (row) => (
              <span className="named">
                {row.is_directory ? <IconFolder size={15} stroke={1.7} aria-hidden /> : <IconFile size={15} stroke={1.7} aria-hidden />}
                {row.is_directory ? (
                  <Folder at={[...steps, row.name].join('/')}>{row.name}</Folder>
                ) : (
                  <a href={fileUrl(row.path ?? '', workspaceId)} download={row.name} title="Download">
                    {row.name}
                  </a>
                )}
              </span>
            ),
          },
          { label: 'Size', cell: (row) => (row.is_directory ? '' : sized(row.file_size ?? 0)) },
          { label: 'Changed', cell: (row) => <When at={row.last_modified} />, wide: true },
          ...(writes
            ? [
                {
                  label: 'Delete',
                  end: true,
                  cell: (row: (typeof files.rows)[number]) => (
                    <Confirm
                      label="Delete"
                      title={`Delete ${row.name}?`}
                      submit="Delete"
                      size="xs"
                      variant="subtle"
                      act={() => remove(row.path ?? '', row.is_directory ?? false)}
                      changes={[key]}
                      done={`${row.name} was deleted.`}
                    >
                      {row.is_directory ? 'A folder is deleted when nothing is in it.' : 'It cannot be had back.'}
                    </Confirm>
                  ),
                },
              ]
            : []),
        ]}
      />
    </div>
  )
}

function Folder({ at, children }: { at: string; children: ReactNode }) {
  return (
    <Link to="." search={(at ? { at } : {}) as never}>
      {children}
    </Link>
  )
}

/** `1.5 MB`, in thousands as disks are sold. */
export function sized(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  const power = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${power === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[power]}`
}

function Upload({ folder, changes }: { folder: string; changes: readonly unknown[] }) {
  const workspaceId = useWorkspace()
  const [files, setFiles] = useState<File[]>([])
  const [overwrite, setOverwrite] = useState(false)
  const [sent, setSent] = useState<{ name: string; part: number } | null>(null)
  const act = async () => {
    try {
      for (const file of files) {
        // oxlint-disable-next-line no-await-in-loop -- one after the other: the line is as wide for one as for all
        await upload(`${folder}/${file.name}`, file, overwrite, workspaceId, (part) => setSent({ name: file.name, part }))
      }
    } finally {
      setSent(null)
    }
  }
  return (
    <FormButton
      label="Upload"
      title="Upload files"
      submit="Upload"
      icon={<IconUpload size={16} aria-hidden />}
      reset={() => {
        setFiles([])
        setOverwrite(false)
      }}
      act={act}
      changes={[changes]}
      done={files.length === 1 ? `${files[0]?.name} was uploaded.` : `${files.length} files were uploaded.`}
    >
      <div className="stack">
        <p className="flat small dim">
          To <span className="mono">{folder}</span>
        </p>
        <FileInput label="Files" placeholder="Choose files" required multiple value={files} onChange={setFiles} />
        <Checkbox
          label="Write over files of these names"
          checked={overwrite}
          onChange={(event) => setOverwrite(event.currentTarget.checked)}
        />
        {sent && (
          <div role="status">
            <p className="flat small dim">
              {sent.name}, {Math.floor(sent.part * 100)} %
            </p>
            <Progress value={sent.part * 100} aria-label={`Upload of ${sent.name}`} />
          </div>
        )}
      </div>
    </FormButton>
  )
}

function NewFolder({ folder, changes }: { folder: string; changes: readonly unknown[] }) {
  const workspaceId = useWorkspace()
  const [name, setName] = useState('')
  return (
    <FormButton
      label="New folder"
      submit="Create"
      variant="default"
      icon={<IconPlus size={16} aria-hidden />}
      reset={() => setName('')}
      act={() =>
        call('PUT /api/2.0/fs/directories{directory_path}', { directory_path: `${folder}/${name.trim()}` }, undefined, workspaceId)
      }
      changes={[changes]}
    >
      <TextInput label="Name" required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
    </FormButton>
  )
}

/** The volumes of a schema. */
export function Volumes({ of }: { of: Ref }) {
  const workspaceId = useWorkspace()
  const [catalog = '', schema = ''] = of.names
  return (
    <PageList
      of={useVolumes(workspaceId, catalog, schema)}
      label="Volumes"
      id={(row) => row.name ?? ''}
      empty={
        <Empty title="No volume that you may see">
          <p className="mono">CREATE VOLUME {quoted(of)}.files</p>
        </Empty>
      }
      columns={[
        { label: 'Name', cell: (row) => <Link {...placeOf(workspaceId, volumeRef(catalog, schema, row.name ?? ''))}>{row.name}</Link> },
        { label: 'Comment', cell: (row) => row.comment ?? '', wide: true },
        { label: 'Type', cell: (row) => (row.volume_type ?? '').toLowerCase() },
        { label: 'Owner', cell: (row) => row.owner },
        { label: 'Created', cell: (row) => <When at={row.created_at} />, wide: true },
      ]}
    />
  )
}

export function CreateVolume({ of }: { of: Ref }) {
  const workspaceId = useWorkspace()
  const navigate = useNavigate()
  const [catalog_name = '', schema_name = ''] = of.names
  return (
    <Create
      label="Create volume"
      storage="Of files that are there already; an external location must cover it. Empty: a managed volume."
      act={({ storage_root, ...made }) =>
        call(
          'POST /api/2.1/unity-catalog/volumes',
          {},
          {
            catalog_name,
            schema_name,
            ...made,
            ...(storage_root ? { volume_type: 'EXTERNAL', storage_location: storage_root } : { volume_type: 'MANAGED' }),
          },
          workspaceId,
        )
      }
      then={(name) => void navigate(placeOf(workspaceId, volumeRef(catalog_name, schema_name, name)))}
    />
  )
}
