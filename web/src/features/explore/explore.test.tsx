import { screen, within } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { describe, expect, it } from 'vitest'
import { answering, type Asked, show } from '../../test/server'
import { literal, quoted, schemaRef, tableRef } from '../../ui/catalog/names'
import { Tree } from '../../ui/catalog/Tree'
import { byPlace, Permissions, through, wayTo } from './Permissions'
import { Found, pattern } from './Search'
import { sized, Volume } from './Volume'

const UC = '/api/2.1/unity-catalog'
const CATALOGS = { [`GET ${UC}/catalogs`]: { catalogs: [{ name: 'main' }, { name: 'samples' }] } }

const paths = (asked: Asked[]) => asked.map((each) => each.path.replace(`${UC}/`, '').split('?')[0])

describe('the tree', () => {
  it('asks for what is in a catalog when it is opened, by the keyboard alone', async () => {
    const asked = answering({
      ...CATALOGS,
      [`GET ${UC}/schemas`]: { schemas: [{ name: 'bakehouse' }] },
      [`GET ${UC}/tables`]: { tables: [{ name: 'sales', table_type: 'MANAGED' }], next_page_token: 'sales' },
      [`GET ${UC}/volumes`]: { volumes: [{ name: 'landing' }] },
    })
    const { router } = show(() => <Tree workspaceId="7" chosen={null} />)
    await screen.findByRole('treeitem', { name: 'main' })
    expect(paths(asked)).toEqual(['catalogs'])
    await userEvent.tab()
    await userEvent.keyboard('{ArrowDown}{ArrowRight}')
    expect(screen.getByRole('treeitem', { name: 'samples', expanded: true })).toBe(document.activeElement)
    await screen.findByRole('treeitem', { name: 'bakehouse' })
    await userEvent.keyboard('{ArrowRight}{ArrowRight}')
    await screen.findByRole('treeitem', { name: 'sales' })
    expect(screen.getByRole('treeitem', { name: 'Show more' })).toBeTruthy()
    expect(screen.getByRole('treeitem', { name: 'landing' }).querySelector('a')?.getAttribute('href')).toBe('/w/7/explore/volumes/samples/bakehouse/landing')
    expect(paths(asked)).toEqual(['catalogs', 'schemas', 'tables', 'volumes'])
    expect(asked[1]?.path).toContain('catalog_name=samples')
    await userEvent.keyboard('{ArrowDown}{Enter}')
    expect(router.state.location.pathname).toBe('/w/7/explore/data/samples/bakehouse/sales')
    await userEvent.keyboard('{ArrowLeft}{ArrowLeft}')
    expect(screen.queryByRole('treeitem', { name: 'sales' })).toBeNull()
  })

  it('shows where one came by a link, with what is above it', async () => {
    answering({ ...CATALOGS, [`GET ${UC}/schemas`]: { schemas: [{ name: 's' }] }, [`GET ${UC}/tables`]: { tables: [{ name: 't' }] }, [`GET ${UC}/volumes`]: {} })
    show(() => <Tree workspaceId="7" chosen={tableRef('main', 's', 't')} />)
    expect(await screen.findByRole('treeitem', { name: 't', selected: true })).toBeTruthy()
  })

  it('says what the server refuses, where it would have been', async () => {
    answering({ ...CATALOGS, [`GET ${UC}/schemas`]: Response.json({ message: 'User does not have USE CATALOG' }, { status: 403 }) })
    show(() => <Tree workspaceId="7" chosen={schemaRef('main', 's')} />)
    expect(await screen.findByText('User does not have USE CATALOG')).toBeTruthy()
  })
})

describe('a volume', () => {
  const answers = {
    [`GET ${UC}/volumes/main.s.v`]: { name: 'v', volume_type: 'MANAGED' },
    [`GET ${UC}/tarn/effective-access/volume/main.s.v`]: { may: ['READ_VOLUME'] },
    'GET /api/2.0/fs/directories/Volumes/main/s/v': {
      contents: [
        { name: 'a b', path: '/Volumes/main/s/v/a b', is_directory: true },
        { name: '100%.csv', path: '/Volumes/main/s/v/100%.csv', file_size: 1_234_567 },
      ],
    },
    'GET /api/2.0/fs/directories/Volumes/main/s/v/a%20b': { contents: [] },
  }

  it('is walked through folder by folder, and gives its files to who may read', async () => {
    answering(answers)
    const { router } = show(Volume, '/w/7/explore/volumes/main/s/v', '/w/$workspaceId/explore/volumes/$catalog/$schema/$name')
    const file = await screen.findByRole('link', { name: '100%.csv' })
    expect(file.getAttribute('href')).toBe('/api/2.0/fs/files/Volumes/main/s/v/100%25.csv?o=7')
    expect(screen.getByText('1.2 MB')).toBeTruthy()
    expect(screen.queryByRole('button', { name: /Upload|New folder|Delete/ })).toBeNull()
    await userEvent.click(screen.getByRole('link', { name: 'a b' }))
    await screen.findByText('Nothing is in this folder')
    expect(router.state.location.search).toEqual({ at: 'a b' })
  })

  it('offers to change it to who may write', async () => {
    const asked = answering({
      ...answers,
      [`GET ${UC}/tarn/effective-access/volume/main.s.v`]: { may: ['READ_VOLUME', 'WRITE_VOLUME'] },
      'DELETE /api/2.0/fs/files/Volumes/main/s/v/100%25.csv': {},
    })
    show(Volume, '/w/7/explore/volumes/main/s/v', '/w/$workspaceId/explore/volumes/$catalog/$schema/$name')
    await screen.findByRole('button', { name: 'Upload' })
    await userEvent.click(within(await screen.findByRole('row', { name: /100%/ })).getByRole('button', { name: 'Delete' }))
    await userEvent.click(within(await screen.findByRole('dialog')).getByRole('button', { name: 'Delete' }))
    await expect.poll(() => asked.some((each) => each.verb === 'DELETE')).toBe(true)
  })

  it('has sizes as disks are sold', () => {
    expect([0, 999, 1000, 123_456, 5e9].map(sized)).toEqual(['0 B', '999 B', '1.0 kB', '123 kB', '5.0 GB'])
  })
})

describe('the search', () => {
  it('lets the server look for tables, and finds schemas itself', async () => {
    const asked = answering({
      [`GET ${UC}/catalogs`]: { catalogs: [{ name: 'main' }] },
      [`GET ${UC}/schemas`]: { schemas: [{ name: 'a_b' }, { name: 'other' }] },
      [`GET ${UC}/table-summaries`]: { tables: [{ full_name: 'main.other.xa_by', table_type: 'VIEW' }] },
    })
    show(() => <Found of="A_b" workspaceId="7" />)
    const found = await screen.findByRole('list', { name: 'Found' })
    expect(within(found).getAllByRole('link').map((each) => each.textContent)).toContain('main.other.xa_by')
    expect(within(found).queryByText('main.other')).toBeNull()
    const patterns = asked.filter((each) => each.path.includes('summaries')).map((each) => new URLSearchParams(each.path.split('?')[1]).get('table_name_pattern'))
    expect(patterns).toEqual([String.raw`%a\_b%`])
  })

  it('passes over what may not be looked into', async () => {
    answering({ ...CATALOGS, [`GET ${UC}/schemas`]: Response.json({ message: 'no' }, { status: 403 }), [`GET ${UC}/table-summaries`]: {} })
    show(() => <Found of="main" workspaceId="7" />)
    const found = await screen.findByRole('list', { name: 'Found' })
    expect(within(found).getAllByRole('link').map((each) => each.textContent)).toEqual(['main'])
  })

  it('takes the signs of a pattern as themselves', () => {
    expect(pattern(String.raw`50%_\x`)).toBe(String.raw`%50\%\_\\x%`)
  })
})

describe('permissions', () => {
  const of = tableRef('main', 's', 't')
  const mine = { manages: true, owns: true, may: ['SELECT'] }
  const answers = {
    [`GET ${UC}/tarn/effective-access/table/main.s.t`]: mine,
    [`GET ${UC}/effective-permissions/table/main.s.t`]: {
      privilege_assignments: [
        { principal: 'team', privileges: [{ privilege: 'SELECT', inherited_from_type: 'CATALOG', inherited_from_name: 'main' }, { privilege: 'MODIFY' }] },
      ],
    },
    'GET /api/2.0/preview/scim/v2/Users': { Resources: [] },
    'GET /api/2.0/preview/scim/v2/Groups': { Resources: [{ displayName: 'team' }, { displayName: 'account users' }] },
    'GET /api/2.0/preview/scim/v2/ServicePrincipals': { Resources: [] },
  }

  it('are a row for each place they come from, and revoked only where they were granted', async () => {
    answering(answers)
    show(() => <Permissions of={of} />)
    const rows = await screen.findAllByRole('row', { name: /team/ })
    expect(rows.map((row) => row.textContent)).toEqual([expect.stringContaining('catalog main'), expect.stringContaining('here')])
    await screen.findByRole('button', { name: 'Revoke' })
    expect(screen.getAllByRole('button', { name: 'Revoke' })).toHaveLength(1)
  })

  it('are granted with the way to them, from the top down', async () => {
    const asked = answering({
      ...answers,
      [`PATCH ${UC}/permissions/catalog/main`]: {},
      [`PATCH ${UC}/permissions/schema/main.s`]: {},
      [`PATCH ${UC}/permissions/table/main.s.t`]: {},
    })
    show(() => <Permissions of={of} />)
    await userEvent.click(await screen.findByRole('button', { name: 'Grant' }))
    const dialog = await screen.findByRole('dialog')
    await userEvent.type(within(dialog).getByLabelText(/To whom/, { selector: 'input' }), 'team')
    await userEvent.click(within(dialog).getByLabelText('SELECT'))
    await userEvent.click(within(dialog).getByLabelText('Let them get there'))
    await userEvent.click(within(dialog).getByRole('button', { name: 'Grant' }))
    await expect.poll(() => asked.filter((each) => each.verb === 'PATCH').map((each) => [each.path.replace(`${UC}/permissions/`, ''), each.body])).toEqual([
      ['catalog/main', { changes: [{ principal: 'team', add: ['USE_CATALOG'] }] }],
      ['schema/main.s', { changes: [{ principal: 'team', add: ['USE_SCHEMA'] }] }],
      ['table/main.s.t', { changes: [{ principal: 'team', add: ['SELECT'] }] }],
    ])
  })

  it('offer nothing to who does not manage it', async () => {
    answering({ ...answers, [`GET ${UC}/tarn/effective-access/table/main.s.t`]: { manages: false, may: ['SELECT'] } })
    show(() => <Permissions of={of} />)
    await screen.findByText(/Who manages it sees all/)
    expect(screen.queryByRole('button', { name: /Grant$|Revoke/ })).toBeNull()
  })

  it('are explained by the server', async () => {
    const asked = answering({
      ...answers,
      [`GET ${UC}/tarn/effective-access/table/main.s.t`]: {
        ...mine,
        enters: true,
        sees: 'NOTHING',
        wanting: "User does not have USE SCHEMA on Schema 'main.s'.",
        because: [{ privilege: 'SELECT', securable_type: 'CATALOG', full_name: 'main', through: ['Mia', 'team', 'everyone'] }],
      },
    })
    show(() => <Permissions of={of} />)
    await userEvent.type(await screen.findByLabelText(/Who/, { selector: 'input' }), 'mia@x')
    await userEvent.click(screen.getByRole('button', { name: 'Explain' }))
    expect(await screen.findByText(/does not see this/)).toBeTruthy()
    expect(screen.getByText("User does not have USE SCHEMA on Schema 'main.s'.")).toBeTruthy()
    expect(screen.getByRole('list', { name: 'Because' }).textContent).toContain('SELECT on catalog main — as a member of team, which is in everyone')
    expect(asked.some((each) => each.path.includes('principal=mia%40x'))).toBe(true)
  })

  it('are told apart by where they come from', () => {
    expect(
      byPlace([
        { principal: 'a', privileges: [{ privilege: 'SELECT' }, { privilege: 'USE_SCHEMA', inherited_from_type: 'SCHEMA', inherited_from_name: 'm.s' }] },
      ]),
    ).toEqual([
      { principal: 'a', from: null, privileges: ['SELECT'] },
      { principal: 'a', from: schemaRef('m', 's'), privileges: ['USE_SCHEMA'] },
    ])
    expect(wayTo(schemaRef('m', 's')).map((each) => each.privilege)).toEqual(['USE_CATALOG'])
    expect(through(['Mia'])).toBe('directly')
  })
})

describe('names', () => {
  it('are quoted whatever is in them', () => {
    expect(quoted(tableRef('a`b', 'c d', '🐟'))).toBe('`a``b`.`c d`.`🐟`')
    expect(literal(String.raw`it's \n`)).toBe(String.raw`'it\'s \\n'`)
  })
})
