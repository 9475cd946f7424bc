// What could come next: names from the catalog, asked for when they are wanted and remembered for a while; functions and
// keywords of Spark.
import type { Completion, CompletionContext, CompletionResult } from '@codemirror/autocomplete'
import { syntaxTree } from '@codemirror/language'
import { FUNCTIONS, KEYWORDS } from './spark'
import { name, type Named, statementAt, tablesOf } from './statements'

export interface Item {
  name: string
  /** What it is: a type, or a kind of table. */
  about?: string | undefined
}

/** Names in the catalog; what may not be seen is not there. */
export interface Names {
  current(): { catalog: string; schema: string }
  catalogs(): Promise<Item[]>
  schemas(catalog: string): Promise<Item[]>
  tables(catalog: string, schema: string): Promise<Item[]>
  functions(catalog: string, schema: string): Promise<Item[]>
  columns(catalog: string, schema: string, table: string): Promise<Item[]>
}

const PATH = /(?:(?:[\p{L}_][\p{L}\p{N}_]*|`[^`\n]*`)\.)*(?:[\p{L}_][\p{L}\p{N}_]*|`[^`\n]*)?$/u
const TABLE_NEXT = /\b(?:from|join|into|update|table|describe|desc|optimize|vacuum|exists)\s+$/i
const IN_FROM = /\bfrom\s+[^();]*,\s*$/i
/** How far back it is looked for what may come. */
const NEAR = 2000
const SILENT = ['String', 'LineComment', 'BlockComment']

const words = (text: string, type: string, boost: number): Completion[] =>
  text.trim().split(' ').map((label) => ({ label, type, boost }))

const keywords = words(KEYWORDS, 'keyword', -8)
const functions: Completion[] = words(FUNCTIONS, 'function', -10).map((each) => ({ ...each, apply: `${each.label}(`, detail: '()' }))

const unquoted = (text: string) => (text.startsWith('`') ? text.slice(1, text.endsWith('`') && text.length > 1 ? -1 : undefined).replaceAll('``', '`') : text)

const options = (items: Item[], type: string, boost: number): Completion[] =>
  items.map((each) => ({ label: each.name, apply: name(each.name), type, boost, ...(each.about ? { detail: each.about } : {}) }))

/** A table's full name, as far as the chosen catalog and schema complete it. */
export function full(parts: string[], { catalog, schema }: { catalog: string; schema: string }): [string, string, string] | null {
  const [a = '', b = '', c = ''] = parts
  const found: [string, string, string] = parts.length >= 3 ? [a, b, c] : parts.length === 2 ? [catalog, a, b] : [catalog, schema, a]
  return found.every((each) => each !== '') ? found : null
}

export function completing(names: Names) {
  const columnsOf = async (table: Named): Promise<Completion[]> => {
    const of = full(table.parts, names.current())
    return of ? options(await names.columns(...of), 'property', 20) : []
  }

  /** What is below `path`, whatever it turns out to be. */
  async function below(path: string[], tables: Named[], wantsTable: boolean): Promise<Completion[]> {
    const { catalog } = names.current()
    const [a = '', b = '', c = ''] = path
    const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()
    if (path.length === 1) {
      const named = wantsTable ? [] : tables.filter((each) => same(each.alias ?? each.parts.at(-1) ?? '', a))
      if (named.length > 0) {
        return (await Promise.all(named.map(columnsOf))).flat()
      }
      const [catalogs, schemas] = await Promise.all([names.catalogs(), catalog ? names.schemas(catalog) : []])
      const [inCatalog, inSchema, made] = await Promise.all([
        catalogs.some((each) => same(each.name, a)) ? names.schemas(a) : [],
        schemas.some((each) => same(each.name, a)) ? names.tables(catalog, a) : [],
        schemas.some((each) => same(each.name, a)) ? names.functions(catalog, a) : [],
      ])
      return [...options(inCatalog, 'namespace', 5), ...options(inSchema, 'class', 5), ...options(made, 'function', 4)]
    }
    if (path.length === 2) {
      const [inside, made, columns] = await Promise.all([
        names.tables(a, b),
        names.functions(a, b),
        catalog && !wantsTable && tables.some((each) => each.parts.length === 2 && same(each.parts[0]!, a) && same(each.parts[1]!, b)) ? names.columns(catalog, a, b) : [],
      ])
      return [...options(inside, 'class', 5), ...options(made, 'function', 4), ...options(columns, 'property', 20)]
    }
    return wantsTable ? [] : options(await names.columns(a, b, c), 'property', 20)
  }

  async function anything(tables: Named[], wantsTable: boolean): Promise<Completion[]> {
    const { catalog, schema } = names.current()
    if (wantsTable) {
      const [catalogs, schemas, here] = await Promise.all([
        names.catalogs(),
        catalog ? names.schemas(catalog) : [],
        catalog && schema ? names.tables(catalog, schema) : [],
      ])
      return [...options(here, 'class', 10), ...options(schemas, 'namespace', 5), ...options(catalogs, 'namespace', 4), ...keywords]
    }
    const columns = (await Promise.all(tables.map(columnsOf))).flat()
    const aliases = tables.map((each) => each.alias ?? each.parts.at(-1) ?? '').map((label) => ({ label, apply: name(label), type: 'class', boost: 15 }))
    return [...columns, ...aliases, ...functions, ...keywords]
  }

  return async (context: CompletionContext): Promise<CompletionResult | null> => {
    const { state, pos } = context
    const line = state.doc.lineAt(pos)
    const path = PATH.exec(line.text.slice(0, pos - line.from))?.[0] ?? ''
    const inside = syntaxTree(state).resolveInner(pos, -1).name
    const parameter = line.text[pos - line.from - path.length - 1] === ':'
    if ((path === '' && !context.explicit) || parameter || SILENT.includes(inside)) {
      return null
    }
    const parts = path.match(/`[^`]*`?|[^.`]+/g) ?? []
    const partial = path.endsWith('.') || path === '' ? '' : (parts.pop() ?? '')
    const text = state.doc.toString()
    const statement = statementAt(text, pos)
    const tables = statement ? tablesOf(text.slice(statement.from, statement.to)) : []
    const from = pos - partial.length
    const before = text.slice(Math.max(statement?.from ?? 0, pos - path.length - NEAR), pos - path.length)
    const wantsTable = TABLE_NEXT.test(before) || IN_FROM.test(before)
    const found = parts.length > 0 ? await below(parts.map(unquoted), tables, wantsTable) : await anything(tables, wantsTable)
    const unique = [...new Map(found.map((each) => [`${each.type} ${each.label}`, each])).values()]
    // Names may come when one is elsewhere by then.
    return context.aborted || context.view?.hasFocus === false || unique.length === 0 ? null : { from, options: unique, validFor: /^`?[\p{L}\p{N}_]*`?$/u }
  }
}
