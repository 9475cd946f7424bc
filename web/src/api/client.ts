// One way to the API: routes are spelt as the server mounts them, so that the build can look up what each takes and
// answers (target/contract.d.ts), and refuses those that nothing answers.
import type { Operations } from 'contract'

type Params<R extends keyof Operations> = Omit<Operations[R]['params'], 'account_id'>
export type Body<R extends keyof Operations> = Operations[R]['body']
export type Result<R extends keyof Operations> = Operations[R]['answer']

/** What the server said when it did not do what was asked, in its words. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message)
  }
}

let csrfToken = ''
let accountId = ''
let signedOut = () => {}

export function identify(account: string, csrf: string) {
  accountId = account
  csrfToken = csrf
}

/** `listener` hears of it when the session turns out to have ended. */
export function onSignedOut(listener: () => void) {
  signedOut = listener
}

/**
 * Calls a route. Parameters that its path names go there, others into the query.
 *
 * @param workspace its calls go to that workspace, others to the account
 * @throws Problem the server refused, or could not be reached (status 0)
 */
export async function call<R extends keyof Operations>(
  route: R,
  params: Params<R>,
  body?: Body<R>,
  workspace?: string,
): Promise<Result<R>> {
  const [verb = '', template = ''] = route.split(' ')
  const query = new URLSearchParams()
  let path = template.replace('{account_id}', accountId)
  for (const [name, value] of Object.entries(params)) {
    const variable = `{${name}}`
    if (path.includes(variable)) {
      // A path of a file is one variable, and begins with its own slash.
      path = path.replace(variable, path.includes(`/${variable}`) ? encodeURIComponent(String(value)) : encoded(String(value)))
    } else if (value !== undefined && value !== '') {
      query.set(name, String(value))
    }
  }
  const headers: Record<string, string> = { accept: 'application/json' }
  if (verb !== 'GET') {
    headers['x-csrf-token'] = csrfToken
  }
  if (body !== undefined) {
    headers['content-type'] = 'application/json'
  }
  if (workspace) {
    headers['x-databricks-workspace-id'] = workspace
  }
  let response: Response
  try {
    response = await fetch(path + (query.size > 0 ? `?${query}` : ''), {
      method: verb,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? null : JSON.stringify(body),
    })
  } catch {
    throw new Problem(0, 'UNREACHABLE', 'The server cannot be reached. Is it running?')
  }
  const text = await response.text()
  if (!response.ok) {
    const problem = problemOf(response.status, text)
    if (response.status === 401 && template !== '/api/2.0/tarn/session') {
      signedOut()
    }
    throw problem
  }
  return (text === '' ? undefined : JSON.parse(text)) as Result<R>
}

const encoded = (path: string) => path.split('/').map(encodeURIComponent).join('/')

/** Where the browser itself gets a file of a volume; it may be larger than a page can hold. */
export const fileUrl = (path: string, workspace: string) => `/api/2.0/fs/files${encoded(path)}?o=${encodeURIComponent(workspace)}`

/**
 * Sends a file into a volume, from the disk it is on.
 *
 * @param told hears how much of it has gone, from 0 to 1
 * @throws Problem as {@link call}
 */
export function upload(path: string, file: File, overwrite: boolean, workspace: string, told: (part: number) => void): Promise<void> {
  // fetch does not tell how far it is.
  const request = new XMLHttpRequest()
  return new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => told(event.total === 0 ? 1 : event.loaded / event.total)
    request.onload = () => {
      if (request.status < 300) {
        resolve()
      } else {
        reject(problemOf(request.status, request.responseText))
      }
    }
    request.onerror = () => reject(new Problem(0, 'UNREACHABLE', 'The server cannot be reached, or ended the upload.'))
    request.open('PUT', `${fileUrl(path, workspace)}&overwrite=${overwrite}`)
    request.setRequestHeader('x-csrf-token', csrfToken)
    request.setRequestHeader('content-type', 'application/octet-stream')
    request.send(file)
  })
}

/** A page, as a list asks for it. */
export interface Part {
  filter: string
  startIndex: number
  count: number
}

/** As parameters of our own routes that answer a page. */
export function partOf({ filter, startIndex, count }: Part) {
  return { filter, start_index: startIndex, count }
}

/** The rows of a page, and how many there are on all. */
export function rowsOf<T>(found: { rows?: T[]; total?: number }) {
  return { rows: found.rows ?? [], total: found.total ?? 0 }
}

/** A page of a list that the public API answers whole at `route`; rows are as that API shows them. */
export async function page<R extends keyof Operations & `GET ${string}`>(
  route: R,
  part: Part,
): Promise<{ rows: Result<R> extends (infer T)[] ? T[] : never; total: number }> {
  const list = route.slice(route.lastIndexOf('/') + 1)
  const found = rowsOf(await call('GET /api/2.0/accounts/{account_id}/tarn/lists/{list}', { list, ...partOf(part) }))
  return { rows: found.rows as never, total: found.total }
}

/** SCIM and the token endpoints have shapes of their own. */
function problemOf(status: number, text: string): Problem {
  try {
    const body = JSON.parse(text) as Record<string, unknown>
    const message = body['message'] ?? body['detail'] ?? body['error_description'] ?? body['error']
    return new Problem(status, String(body['error_code'] ?? body['scimType'] ?? status), String(message ?? text))
  } catch {
    return new Problem(status, String(status), text.slice(0, 300) || `The server answered ${status}.`)
  }
}
