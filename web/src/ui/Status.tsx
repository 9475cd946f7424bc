import { IconCircleCheck, IconCircleDashed, IconCircleX, IconLoader2 } from './icons'

type Tone = 'ok' | 'busy' | 'bad' | 'idle'

const ICONS = { ok: IconCircleCheck, busy: IconLoader2, bad: IconCircleX, idle: IconCircleDashed }

/** What a state means, told from its words: those of workspaces, stacks, warehouses and steps alike. */
export function tone(state: string): Tone {
  if (/FAILED|ROLLBACK|BROKEN|BANNED|rejected|expired|Disabled|^MODIFIED$|^DELETED$/i.test(state)) {
    return /IN_PROGRESS/.test(state) ? 'busy' : 'bad'
  }
  if (/IN_PROGRESS|PROVISIONING|STARTING|STOPPING|DELETING|CANCELLING|pending/i.test(state) && !/^(NOT_|PENDING$)/.test(state)) {
    return 'busy'
  }
  return /COMPLETE|RUNNING|^DONE|ACTIVE|available|VALID|^IN_SYNC$/i.test(state) && !/DELETE_COMPLETE|INACTIVE/i.test(state) ? 'ok' : 'idle'
}

export function Status({ state, as }: { state: string | undefined; as?: Tone }) {
  const word = state ?? 'unknown'
  const kind = as ?? tone(word)
  const Shape = ICONS[kind]
  return (
    <span className={`status ${kind}`}>
      <Shape size={14} stroke={2.2} aria-hidden />
      {word.replaceAll('_', ' ')}
    </span>
  )
}
