// Spark SQL as far as an editor has to know it: where one statement ends, what is a parameter, which tables are named.
// The engine has the parser; this only finds its way past strings, comments and scripts.

export interface Token {
  kind: 'word' | 'string' | 'quoted' | 'number' | 'comment' | 'sign' | 'parameter'
  from: number
  to: number
}

const SPACE = /\s+/y
const WORD = /[\p{L}_][\p{L}\p{N}_]*/uy
const NUMBER = /\d[\p{L}\p{N}_]*(?:\.\d+)?/uy
const RAW = /[rR](?:'[^']*(?:'|$)|"[^"]*(?:"|$))/y
const STRING = /'[^'\\]*(?:\\[^][^'\\]*)*(?:'|$)|"[^"\\]*(?:\\[^][^"\\]*)*(?:"|$)/y
const QUOTED = /`(?:[^`]|``)*(?:`|$)/y
const DOLLAR = /\$(\w*)\$/y
const LINE = /--(?:\\\n|[^\n])*/y
const PARAMETER = /:[\p{L}_][\p{L}\p{N}_]*/uy

function* tokens(text: string): Generator<Token> {
  let at = 0
  let before: Token | undefined
  const end = (pattern: RegExp) => {
    pattern.lastIndex = at
    return pattern.test(text) ? pattern.lastIndex : 0
  }
  while (at < text.length) {
    const space = end(SPACE)
    if (space) {
      at = space
      continue
    }
    const from = at
    let kind: Token['kind'] = 'sign'
    let to = 0
    const sign = text[at]
    if (sign === "'" || sign === '"') {
      ;[kind, to] = ['string', end(STRING)]
    } else if (sign === '`') {
      ;[kind, to] = ['quoted', end(QUOTED)]
    } else if (sign === '-' && text[at + 1] === '-') {
      ;[kind, to] = ['comment', end(LINE)]
    } else if (sign === '/' && text[at + 1] === '*') {
      ;[kind, to] = ['comment', bracketed(text, at)]
    } else if (sign === '$' && end(DOLLAR)) {
      const tag = text.slice(at, end(DOLLAR))
      const close = text.indexOf(tag, at + tag.length)
      ;[kind, to] = ['string', close < 0 ? text.length : close + tag.length]
    } else if (sign === ':') {
      // `a::INT` casts, `v:field` looks into a value, and `label: BEGIN` names a block: all follow what they belong to.
      const follows = before?.to === at && (before.kind === 'word' || before.kind === 'quoted' || /[)\]]/.test(text[at - 1] ?? ''))
      if (text[at + 1] === ':') {
        to = at + 2
      } else if (!follows && end(PARAMETER)) {
        ;[kind, to] = ['parameter', end(PARAMETER)]
      }
    } else if ((sign === 'r' || sign === 'R') && end(RAW)) {
      ;[kind, to] = ['string', end(RAW)]
    } else if (end(WORD)) {
      ;[kind, to] = ['word', end(WORD)]
    } else if (end(NUMBER)) {
      ;[kind, to] = ['number', end(NUMBER)]
    }
    at = to || at + 1
    before = { kind, from, to: at }
    yield before
  }
}

/** These comments nest. */
function bracketed(text: string, from: number): number {
  let depth = 0
  for (let at = from; at < text.length; at++) {
    if (text.startsWith('/*', at)) {
      depth++
      at++
    } else if (text.startsWith('*/', at)) {
      depth--
      at++
      if (depth === 0) {
        return at + 1
      }
    }
  }
  return text.length
}

export interface Span {
  from: number
  to: number
}

interface Segment extends Span {
  /** Behind its semicolon. */
  end: number
  blank: boolean
}

const BLOCKS = ['IF', 'WHILE', 'LOOP', 'REPEAT', 'FOR']

/**
 * Cuts at semicolons, but not within `BEGIN … END`: there, words that open a block count where a statement may begin, and
 * a CASE anywhere.
 */
function segments(text: string): Segment[] {
  const found: Segment[] = []
  let current: Segment | null = null
  let open: ('statement' | 'expression')[] = []
  let script = false
  let starts = true // a statement may begin here
  let before = ''
  let creates = false
  let procedure = false
  let labelled = false
  for (const token of tokens(text)) {
    current ??= { from: token.from, to: token.to, end: token.to, blank: true }
    if (token.kind === 'comment') {
      if (!current.blank) {
        current.end = token.to
      }
      continue
    }
    const of = token.kind === 'word' && before !== '.' ? text.slice(token.from, token.to).toUpperCase() : token.kind === 'sign' ? text[token.from]! : ''
    if (of === ';' && open.length === 0) {
      found.push({ ...current, end: token.to })
      current = null
      ;[script, starts, before, creates, procedure] = [false, true, '', false, false]
      continue
    }
    const first = current.blank
    current.blank = false
    current.to = current.end = token.to
    creates ||= first && of === 'CREATE'
    procedure ||= creates && of === 'PROCEDURE'
    if (of === 'TRANSACTION' && before === 'BEGIN') {
      ;[open, script] = [[], false]
    } else if (of === 'BEGIN' && (starts || procedure || script)) {
      open.push('statement')
      script = true
    } else if (script && of === 'CASE' && before !== 'END') {
      open.push(starts ? 'statement' : 'expression')
    } else if (script && BLOCKS.includes(of) && starts && before !== 'END') {
      open.push('statement')
    } else if (script && of === 'END') {
      open.pop()
    }
    const began: boolean = starts
    starts =
      of === 'BEGIN' ||
      (of === ':' && labelled) ||
      (open.length > 0 && of === ';') ||
      (open.at(-1) === 'statement' && ['THEN', 'ELSE', 'DO', 'LOOP', 'REPEAT'].includes(of) && before !== 'END')
    labelled = began && (token.kind === 'word' || token.kind === 'quoted')
    before = of
  }
  if (current) {
    found.push({ ...current, end: text.length })
  }
  return found
}

/** Every statement of a text, without semicolons and blanks around it; comments before it belong to it. */
export function statementsOf(text: string): Span[] {
  return segments(text)
    .filter((each) => !each.blank)
    .map(({ from, to }) => ({ from, to }))
}

/** The statement that is at `position`; behind the last semicolon of a line it is the one before. */
export function statementAt(text: string, position: number): Span | null {
  const all = segments(text).filter((each) => !each.blank)
  const at = all.findIndex((each) => position <= each.end)
  const [before, here] = [all[at < 0 ? all.length - 1 : at - 1], all[at]]
  const found = here && (position >= here.from || !before || text.slice(before.end, position).includes('\n')) ? here : before
  return found ? { from: found.from, to: found.to } : null
}

/** Names of the parameters, in the order in which they come first. */
export function parametersOf(text: string): string[] {
  const names = new Set<string>()
  for (const token of tokens(text)) {
    if (token.kind === 'parameter') {
      names.add(text.slice(token.from + 1, token.to))
    }
  }
  return [...names]
}

/** A name as a statement has it. */
export const name = (text: string): string => (/^[A-Za-z_]\w*$/.test(text) ? text : `\`${text.replaceAll('`', '``')}\``)

/** A table that a statement names, by the parts of its name, and what else it is called there. */
export interface Named {
  parts: string[]
  alias: string | null
}

const BEFORE_TABLE = ['FROM', 'JOIN', 'INTO', 'UPDATE', 'TABLE', 'USING', 'DESCRIBE', 'DESC']
const AFTER_TABLE =
  /^(WHERE|GROUP|ORDER|SORT|CLUSTER|DISTRIBUTE|HAVING|LIMIT|OFFSET|UNION|EXCEPT|INTERSECT|MINUS|ON|USING|JOIN|INNER|LEFT|RIGHT|FULL|CROSS|SEMI|ANTI|NATURAL|LATERAL|WINDOW|QUALIFY|PIVOT|UNPIVOT|TABLESAMPLE|VALUES|SELECT|SET|WHEN|VERSION|TIMESTAMP|FOR|WITH|BY|AS|PARTITION|FROM|ADD|ALTER|RENAME|DROP|CHANGE)$/

export function tablesOf(text: string): Named[] {
  const all = [...tokens(text)].filter((token) => token.kind !== 'comment')
  const word = (at: number) => (all[at]?.kind === 'word' ? text.slice(all[at].from, all[at].to).toUpperCase() : '')
  const sign = (at: number) => (all[at]?.kind === 'sign' ? text[all[at].from] : '')
  const name = (at: number) => {
    const token = all[at]
    const raw = token ? text.slice(token.from, token.to) : ''
    return token?.kind === 'quoted' ? raw.slice(1, -1).replaceAll('``', '`') : token?.kind === 'word' ? raw : null
  }
  const found: Named[] = []
  /** Whether `at` begins a table's name; where that ends. */
  const take = (start: number): number => {
    let at = start
    const parts: string[] = []
    for (let part = name(at); part !== null && !(parts.length === 0 && AFTER_TABLE.test(word(at))); part = name(at)) {
      parts.push(part)
      at++
      if (sign(at) !== '.') {
        break
      }
      at++
    }
    if (parts.length === 0 || sign(at) === '(') {
      return start
    }
    const named = word(at) === 'AS' ? at + 1 : at
    const alias = AFTER_TABLE.test(word(named)) ? null : name(named)
    found.push({ parts, alias })
    return alias === null ? at : named + 1
  }
  for (let at = 0; at < all.length; at++) {
    if (BEFORE_TABLE.includes(word(at))) {
      let end = take(at + 1)
      while (end > at + 1 && sign(end) === ',') {
        const next = take(end + 1)
        if (next === end + 1) {
          break
        }
        end = next
      }
      at = Math.max(at, end - 1)
    }
  }
  return found
}

/** Where in a statement the engine found something wrong, by what it says: line and column, from 0. */
export function positionIn(message: string): { line: number; column: number } | null {
  const counted = /\(line (\d+), position (\d+)\)/.exec(message)
  if (counted) {
    return { line: Number(counted[1]) - 1, column: Number(counted[2]) - 1 }
  }
  const found = /\bline (\d+),? pos (\d+)/.exec(message)
  return found ? { line: Number(found[1]) - 1, column: Number(found[2]) } : null
}

/** As an offset, and to the end of the word that is there. */
export function spanOf(statement: string, position: { line: number; column: number }): Span {
  let from = 0
  for (let line = 0; line < position.line; line++) {
    const next = statement.indexOf('\n', from)
    if (next < 0) {
      break
    }
    from = next + 1
  }
  const line = statement.indexOf('\n', from)
  from = Math.min(from + position.column, line < 0 ? statement.length : line)
  const word = /^(?:[\p{L}\p{N}_.]+|`[^`]*`|'[^']*'|.)/u.exec(statement.slice(from))
  // At the end of the text the last sign is what can be marked.
  return word ? { from, to: from + word[0].length } : { from: Math.max(0, from - 1), to: from }
}
