import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openTabs } from './tabs'

const names = (store: ReturnType<typeof openTabs>) => store.get().all.map((each) => [each.name, each.text])

/** As the browser tells another window of what this one wrote. */
function tell(key: string, oldValue: string | null) {
  window.dispatchEvent(new StorageEvent('storage', { key, oldValue, newValue: localStorage.getItem(key), storageArea: localStorage }))
}

const keyOf = (id: string) => `tarn.editor.7.ada.${id}`

beforeEach(() => vi.useFakeTimers())
afterEach(() => {
  vi.useRealTimers()
  localStorage.clear()
  sessionStorage.clear()
})

describe('tabs', () => {
  it('are there again after the page was loaded anew, with the one that was shown', () => {
    const first = openTabs('7.ada')
    const leave = first.subscribe(() => {})
    first.update(first.get().active, { text: 'SELECT 1', warehouse: 'w' })
    first.add('SELECT 2')
    first.add('SELECT 3', 'third')
    first.choose(first.get().all[1]!.id)
    leave()
    const again = openTabs('7.ada')
    expect(names(again)).toEqual([['Query 1', 'SELECT 1'], ['Query 2', 'SELECT 2'], ['third', 'SELECT 3']])
    expect(again.get().all.map((each) => each.warehouse)).toEqual(['w', 'w', 'w'])
    expect(again.get().active).toBe(again.get().all[1]!.id)
  })

  it('are others for another person and another workspace', () => {
    const store = openTabs('7.ada')
    store.update(store.get().active, { text: 'SELECT secret' })
    store.flush()
    expect(names(openTabs('7.mia'))).toEqual([['Query 1', '']])
    expect(names(openTabs('8.ada'))).toEqual([['Query 1', '']])
  })

  it('of one window do not overwrite those of another', () => {
    const store = openTabs('7.ada')
    store.subscribe(() => {})
    store.update(store.get().active, { text: 'mine' })
    store.flush()
    const other = { ...store.get().all[0]!, id: 'ff', name: 'theirs', text: 'SELECT 2', made: Date.now() + 1 }
    localStorage.setItem(keyOf('ff'), JSON.stringify(other))
    tell(keyOf('ff'), null)
    store.update(store.get().all[0]!.id, { text: 'mine, again' })
    vi.runAllTimers()
    expect(names(openTabs('7.ada'))).toEqual([['Query 1', 'mine, again'], ['theirs', 'SELECT 2']])
  })

  it('show what another window wrote; what both wrote is kept as two', () => {
    const store = openTabs('7.ada')
    store.subscribe(() => {})
    const { active } = store.get()
    store.update(active, { text: 'first' })
    store.flush()
    const write = (text: string) => {
      localStorage.setItem(keyOf(active), JSON.stringify({ ...store.get().all.find((each) => each.id === active), text }))
    }
    write('from the other window')
    tell(keyOf(active), null)
    expect(names(store)).toEqual([['Query 1', 'from the other window']])
    store.update(active, { text: 'typed here' })
    write('typed there')
    vi.advanceTimersByTime(1)
    vi.runAllTimers()
    expect(names(store).toSorted()).toEqual([['Query 1 (copy)', 'typed here'], ['Query 1', 'typed there']])
    expect(store.get().all.find((each) => each.id === store.get().active)?.text).toBe('typed here')
    expect(names(openTabs('7.ada')).toSorted()).toEqual([['Query 1 (copy)', 'typed here'], ['Query 1', 'typed there']])
  })

  it('are never none, and can be opened again after they were closed', () => {
    const store = openTabs('7.ada')
    store.update(store.get().active, { text: 'SELECT 1' })
    const back = store.close(store.get().active)
    expect(names(store)).toEqual([['Query 1', '']])
    back()
    expect(names(store)).toContainEqual(['Query 1', 'SELECT 1'])
    expect(store.get().all.find((each) => each.id === store.get().active)?.text).toBe('SELECT 1')
  })

  it('say when the browser does not keep them, and go on', () => {
    const store = openTabs('7.ada')
    vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('The quota has been exceeded.', 'QuotaExceededError')
    })
    store.update(store.get().active, { text: 'SELECT 1' })
    store.flush()
    expect(store.get().unkept).toBe('The quota has been exceeded.')
    vi.restoreAllMocks()
    store.update(store.get().active, { text: 'SELECT 2' })
    store.flush()
    expect(store.get().unkept).toBeNull()
    expect(names(openTabs('7.ada'))).toEqual([['Query 1', 'SELECT 2']])
  })

  it('pass over what somebody else left in the same storage', () => {
    localStorage.setItem(keyOf('a'), 'no JSON')
    localStorage.setItem(keyOf('b'), '{"text": 7}')
    expect(names(openTabs('7.ada'))).toEqual([['Query 1', '']])
  })
})
