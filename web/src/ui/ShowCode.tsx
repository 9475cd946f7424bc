import { Button, Drawer, Tabs } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { CopyText } from './Copy'
import { IconCode } from './icons'

/** The same, said to the API: in Python's SDK, with curl, for Terraform where its provider has the thing, as a statement. */
export interface Snippets {
  python: string
  curl: string
  terraform?: string
  sql?: string
}

export function ShowCode({ of, title, workspace = false }: { of: Snippets; title: string; workspace?: boolean }) {
  const [opened, { open, close }] = useDisclosure(false)
  const texts = [
    ['Python', of.python],
    ['curl', of.curl],
    ...(of.terraform ? [['Terraform', of.terraform]] : []),
    ...(of.sql ? [['SQL', of.sql]] : []),
  ] as [string, string][]
  return (
    <>
      <Button variant="default" leftSection={<IconCode size={16} aria-hidden />} onClick={open}>
        Show code
      </Button>
      <Drawer
        opened={opened}
        onClose={close}
        position="right"
        size="lg"
        title={`${title}, as code`}
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <Tabs defaultValue="Python" keepMounted={false}>
          <Tabs.List mb="sm">
            {texts.map(([name]) => (
              <Tabs.Tab key={name} value={name}>
                {name}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {texts.map(([name, text]) => (
            <Tabs.Panel key={name} value={name}>
              <pre className="code" tabIndex={0} aria-label={`${name} code`}>
                {text}
              </pre>
              <div style={{ marginTop: '0.6rem' }}>
                <CopyText value={text} label="Copy" />
              </div>
            </Tabs.Panel>
          ))}
        </Tabs>
        <p className="dim small">
          Environment: <span className="mono">{`eval "$(./tarn env${workspace ? '' : ' --account'})"`}</span> sets host and token{workspace ? '' : ', and the account,'} for all of
          them.
        </p>
      </Drawer>
    </>
  )
}

/** `GET /api/…` as a curl call. `{account_id}` is the environment's. */
export function curl(route: string, body?: unknown): string {
  const [verb = 'GET', path = ''] = route.split(' ')
  const url = `"$DATABRICKS_HOST${path.replace('{account_id}', '$DATABRICKS_ACCOUNT_ID')}"`
  return [
    `curl -sS${verb === 'GET' ? '' : ` -X ${verb}`} ${url}`,
    '-H "Authorization: Bearer $DATABRICKS_TOKEN"',
    ...(body === undefined ? [] : [`-d '${JSON.stringify(body, null, 2).replaceAll("'", "'\\''")}'`]),
  ].join(' \\\n  ')
}

/** A call of the account client in Python. */
export function python(call: string): string {
  return `from databricks.sdk import AccountClient\n\na = AccountClient()  # reads the environment\n${call}`
}
