import { Button, Drawer, Skeleton } from '@mantine/core'
import { call, Problem, type Result } from '../../api/client'
import { Empty, Failed, State } from '../../ui/Answer'
import { usePages } from '../../ui/catalog/lists'
import { IconHistory } from '../../ui/icons'
import { Status } from '../../ui/Status'
import { lasted, When } from '../../ui/time'

type Query = NonNullable<Result<'GET /api/2.0/sql/history/queries'>['res']>[number]

/** What was run in the workspace, as far as one may see it. */
export function History(props: { workspaceId: string; opened: boolean; onClose: () => void; onOpen: (text: string) => void }) {
  return (
    <Drawer opened={props.opened} onClose={props.onClose} position="right" size="lg" title={<b>Query history</b>} closeButtonProps={{ 'aria-label': 'Close' }}>
      {props.opened && <Queries {...props} />}
    </Drawer>
  )
}

function Queries({ workspaceId, onOpen }: { workspaceId: string; onOpen: (text: string) => void }) {
  const answer = usePages<Query>(['query-history', workspaceId], (page_token) =>
    call('GET /api/2.0/sql/history/queries', { max_results: 50, page_token }, undefined, workspaceId).then((found) => ({
      rows: found.res ?? [],
      next: found.has_next_page ? found.next_page_token : undefined,
    })),
  )
  if (answer.error instanceof Problem && answer.error.status === 404) {
    return (
      <State icon={<IconHistory size={30} stroke={1.4} aria-hidden />} title="This server keeps no query history">
        <p>What you ran in this browser is in its tabs.</p>
      </State>
    )
  }
  if (answer.error && answer.rows.length === 0) {
    return <Failed problem={answer.error} again={() => void answer.refetch()} />
  }
  if (answer.isPending) {
    return <Skeleton height={18} width="80%" role="status" aria-label="Loading" />
  }
  return answer.rows.length === 0 ? (
    <Empty title="Nothing was run yet" />
  ) : (
    <>
      <ul className="past">
        {answer.rows.map((query) => (
          <li key={query.query_id}>
            <button type="button" onClick={() => onOpen(query.query_text ?? '')} title="Open in a new tab">
              <code>{(query.query_text ?? '').slice(0, 400)}</code>
              <span className="small dim">
                <Status state={query.status} as={query.status === 'FINISHED' ? 'ok' : query.status === 'FAILED' ? 'bad' : 'idle'} />{' '}
                <When at={query.query_start_time_ms} />
                {query.duration !== undefined && ` · ${lasted(query.duration)}`}
                {query.rows_produced !== undefined && ` · ${query.rows_produced} rows`}
                {query.user_name && ` · ${query.user_name}`}
              </span>
              {query.error_message && <span className="small wrong">{query.error_message.slice(0, 200)}</span>}
            </button>
          </li>
        ))}
      </ul>
      {answer.hasNextPage && (
        <Button variant="default" fullWidth loading={answer.isFetchingNextPage} onClick={() => void answer.fetchNextPage()}>
          Show more
        </Button>
      )}
    </>
  )
}
