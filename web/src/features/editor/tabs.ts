// The editor's tabs, as the browser keeps them: each under a key of its own, for one workspace and person, so that two
// windows write past each other. Where both change the same tab, the later one goes on as a copy: no text is lost.

/** What kind of field a parameter has; a range is two parameters under one. */
export type FieldType = 'text' | 'number' | 'date' | 'list' | 'range'

export interface Field {
  type: FieldType
  value: string
}

/** A statement that was run, as much as is needed to find its result again. */
export interface Kept {
  statement_id: string
  text: string
}

export interface Tab {
  id: string
  name: string
  text: string
  /** Empty where nothing was chosen. */
  warehouse: string
  catalog: string
  schema: string
  fields: Record<string, Field>
  kept: Kept[]
  /** When it was opened; tabs are in this order. */
  made: number
}

export interface Tabs {
  /** Never empty. */
  all: Tab[]
  active: string
  /** Why the browser does not keep them; null when it does. */
  unkept: string | null
}

const PAUSE = 300
const NAME = /^Query (\d+)$/

/** Opens those of one place; `place` names workspace and person. */
export function openTabs(place: string) {
  const prefix = `tarn.editor.${place}.`
  const activeKey = `tarn.editor.active.${place}`
  /** As each was last read or written here. */
  const seen = new Map<string, string>()
  const unsaved = new Set<string>()
  const listeners = new Set<() => void>()
  let timer: ReturnType<typeof setTimeout> | undefined
  let state: Tabs = { all: [], active: '', unkept: null }

  function change(to: Partial<Tabs>) {
    const all = (to.all ?? state.all).toSorted((a, b) => a.made - b.made || a.id.localeCompare(b.id))
    state = { ...state, ...to, all }
    if (!all.some((each) => each.id === state.active)) {
      state.active = all.at(-1)?.id ?? ''
    }
    remember(state.active)
    listeners.forEach((each) => each())
  }

  /** Which one is shown is this window's own. */
  function remember(active: string) {
    try {
      sessionStorage.setItem(activeKey, active)
    } catch {
      // It begins with the last one, then.
    }
  }

  function read(id: string): Tab | null {
    const raw = localStorage.getItem(prefix + id)
    const tab = parse(id, raw)
    if (tab && raw !== null) {
      seen.set(id, raw)
    }
    return tab
  }

  function save(id: string) {
    unsaved.delete(id)
    const tab = state.all.find((each) => each.id === id)
    if (!tab) {
      return
    }
    const stored = localStorage.getItem(prefix + id)
    if (stored !== null && stored !== seen.get(id)) {
      diverge(tab)
      return
    }
    const raw = JSON.stringify(tab)
    try {
      localStorage.setItem(prefix + id, raw)
      seen.set(id, raw)
      if (state.unkept !== null) {
        change({ unkept: null })
      }
    } catch (problem) {
      unsaved.add(id)
      change({ unkept: why(problem) })
    }
  }

  /** Another window has changed it meanwhile: that stays what it is, and this window's goes on under another name. */
  function diverge(tab: Tab) {
    const theirs = read(tab.id)
    const mine = { ...tab, id: newId(), name: `${tab.name} (copy)`, made: after(state.all) }
    const shown = state.active === tab.id
    change({
      all: [...state.all.filter((each) => each.id !== tab.id), ...(theirs ? [theirs] : []), mine],
      active: shown ? mine.id : state.active,
    })
    save(mine.id)
  }

  function flush() {
    clearTimeout(timer)
    timer = undefined
    for (const id of [...unsaved]) {
      save(id)
    }
  }

  function later(id: string) {
    unsaved.add(id)
    timer ??= setTimeout(flush, PAUSE)
  }

  function heard(event: StorageEvent) {
    if (event.storageArea !== localStorage || !event.key?.startsWith(prefix)) {
      return
    }
    const id = event.key.slice(prefix.length)
    const mine = state.all.find((each) => each.id === id)
    if (mine && unsaved.has(id)) {
      save(id) // sees that it was changed
    } else if (event.newValue === null) {
      seen.delete(id)
      const all = state.all.filter((each) => each.id !== id)
      change({ all: all.length > 0 ? all : [blank(all)] })
    } else {
      const theirs = read(id)
      if (theirs) {
        change({ all: [...state.all.filter((each) => each.id !== id), theirs] })
      }
    }
  }

  const hidden = () => document.visibilityState === 'hidden' && flush()

  try {
    const ids = Object.keys(localStorage).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
    state.all = ids.map(read).filter((each) => each !== null)
    state.active = sessionStorage.getItem(activeKey) ?? ''
  } catch (problem) {
    state.unkept = why(problem)
  }
  change(state.all.length > 0 ? {} : { all: [blank([])] })

  return {
    /** @returns what ends it */
    subscribe(listener: () => void) {
      if (listeners.size === 0) {
        window.addEventListener('storage', heard)
        window.addEventListener('pagehide', flush)
        document.addEventListener('visibilitychange', hidden)
      }
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
        if (listeners.size === 0) {
          flush()
          window.removeEventListener('storage', heard)
          window.removeEventListener('pagehide', flush)
          document.removeEventListener('visibilitychange', hidden)
        }
      }
    },
    get: () => state,
    update(id: string, to: Partial<Omit<Tab, 'id' | 'made'>>) {
      change({ all: state.all.map((each) => (each.id === id ? { ...each, ...to } : each)) })
      later(id)
    },
    choose: (id: string) => change({ active: id }),
    /** Opens one like the one that is shown, with that text. */
    add(text = '', name?: string) {
      const like = state.all.find((each) => each.id === state.active)
      const tab = { ...blank(state.all), warehouse: like?.warehouse ?? '', catalog: like?.catalog ?? '', schema: like?.schema ?? '', text, ...(name ? { name } : {}) }
      change({ all: [...state.all, tab], active: tab.id })
      later(tab.id)
    },
    /** @returns what takes that back */
    close(id: string) {
      const tab = state.all.find((each) => each.id === id)
      const at = state.all.findIndex((each) => each.id === id)
      const left = state.all.filter((each) => each.id !== id)
      const all = left.length > 0 ? left : [blank([])]
      const beside = all[Math.min(at, all.length - 1)]?.id ?? ''
      unsaved.delete(id)
      seen.delete(id)
      localStorage.removeItem(prefix + id)
      change({ all, active: state.active === id ? beside : state.active })
      return () => {
        if (tab) {
          change({ all: [...state.all, tab], active: id })
          save(id)
        }
      }
    },
    flush,
  }
}

export type TabStore = ReturnType<typeof openTabs>

function blank(beside: Tab[]): Tab {
  const numbers = beside.map((each) => Number(NAME.exec(each.name)?.[1] ?? 0))
  return {
    id: newId(),
    name: `Query ${Math.max(0, ...numbers) + 1}`,
    text: '',
    warehouse: '',
    catalog: '',
    schema: '',
    fields: {},
    kept: [],
    made: after(beside),
  }
}

/** Later than all of these, also within one millisecond. */
const after = (beside: Tab[]) => Math.max(Date.now(), ...beside.map((each) => each.made + 1))

const why = (problem: unknown) => (problem as { message?: string }).message ?? String(problem)

const newId = () => Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Null when that is no tab: somebody else may write into the same storage. */
function parse(id: string, raw: string | null): Tab | null {
  try {
    const found = JSON.parse(raw ?? 'null') as Partial<Tab> | null
    return found && typeof found.text === 'string' && typeof found.name === 'string' ? { ...blank([]), made: 0, ...found, id } : null
  } catch {
    return null
  }
}
