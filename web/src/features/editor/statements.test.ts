import { describe, expect, it } from 'vitest'
import { parametersOf, positionIn, spanOf, statementAt, statementsOf, tablesOf } from './statements'

const cut = (text: string) => statementsOf(text).map(({ from, to }) => text.slice(from, to))

describe('statements', () => {
  it.each([
    ['end at semicolons, and the last one at the end', 'SELECT 1; SELECT 2;\nSELECT 3', ['SELECT 1', 'SELECT 2', 'SELECT 3']],
    ['do not end within strings', `SELECT ';', "a;b", 'it''s;', 'a\\';b'; SELECT 2`, [`SELECT ';', "a;b", 'it''s;', 'a\\';b'`, 'SELECT 2']],
    ['have raw strings, whose backslash is a sign like others', `SELECT r'a\\'; SELECT 2`, [`SELECT r'a\\'`, 'SELECT 2']],
    ['do not end within quoted names', 'SELECT `a;``b`; SELECT 2', ['SELECT `a;``b`', 'SELECT 2']],
    ['do not end within comments, which nest', 'SELECT 1 /* a; /* b; */ c; */ -- d;\n; SELECT 2', ['SELECT 1', 'SELECT 2']],
    ['begin with the comments before them', '-- one; two\nSELECT 1', ['-- one; two\nSELECT 1']],
    ['do not end within dollar quotes', 'CREATE VIEW v AS $$ a; b $$; SELECT $x$ ; $$ ; $x$', ['CREATE VIEW v AS $$ a; b $$', 'SELECT $x$ ; $$ ; $x$']],
    ['are none in blanks and comments', ' ;; -- nothing\n;/* */', []],
    ['may be cut off in a string', "SELECT 1; SELECT 'a; b", ['SELECT 1', "SELECT 'a; b"]],
    [
      'are one from BEGIN to its END',
      'BEGIN DECLARE x INT; SET x = CASE WHEN true THEN 1 ELSE 2 END; SELECT x; END; SELECT 2',
      ['BEGIN DECLARE x INT; SET x = CASE WHEN true THEN 1 ELSE 2 END; SELECT x; END', 'SELECT 2'],
    ],
    [
      'have blocks in blocks, with labels',
      'l: BEGIN IF x > 1 THEN SELECT if(a, b, c); ELSEIF y THEN CASE x WHEN 1 THEN SELECT 1; ELSE IF z THEN SELECT 2; END IF; END CASE; END IF; WHILE b DO SET b = false; END WHILE; END l; SELECT 2',
      [
        'l: BEGIN IF x > 1 THEN SELECT if(a, b, c); ELSEIF y THEN CASE x WHEN 1 THEN SELECT 1; ELSE IF z THEN SELECT 2; END IF; END CASE; END IF; WHILE b DO SET b = false; END WHILE; END l',
        'SELECT 2',
      ],
    ],
    [
      'have loops of every kind',
      'BEGIN FOR r AS SELECT 1 DO SELECT r; END FOR; REPEAT SELECT 1; UNTIL true END REPEAT; x: LOOP LEAVE x; END LOOP x; BEGIN SELECT 1; END; DROP TABLE IF EXISTS t; END; SELECT 2',
      [
        'BEGIN FOR r AS SELECT 1 DO SELECT r; END FOR; REPEAT SELECT 1; UNTIL true END REPEAT; x: LOOP LEAVE x; END LOOP x; BEGIN SELECT 1; END; DROP TABLE IF EXISTS t; END',
        'SELECT 2',
      ],
    ],
    ['are each one in a transaction', 'BEGIN TRANSACTION; INSERT INTO t VALUES (1); COMMIT', ['BEGIN TRANSACTION', 'INSERT INTO t VALUES (1)', 'COMMIT']],
    ['may have columns that are called begin and end', 'SELECT t.begin, end FROM t; CREATE TABLE t (begin INT); SELECT 3', ['SELECT t.begin, end FROM t', 'CREATE TABLE t (begin INT)', 'SELECT 3']],
    ['may be a procedure with its body', 'CREATE PROCEDURE p() LANGUAGE SQL AS BEGIN SELECT 1; END; SELECT 2', ['CREATE PROCEDURE p() LANGUAGE SQL AS BEGIN SELECT 1; END', 'SELECT 2']],
  ])('%s', (_, text, expected) => {
    expect(cut(text)).toEqual(expected)
  })

  it('are found by the cursor: in it, behind its semicolon, above it', () => {
    const text = 'SELECT 1;  SELECT 2;\n\n\n-- third\nSELECT 3;  \n'
    const at = (position: number) => {
      const found = statementAt(text, position)
      return found && text.slice(found.from, found.to)
    }
    expect([0, 8, 9, 10].map(at)).toEqual(['SELECT 1', 'SELECT 1', 'SELECT 1', 'SELECT 1'])
    expect([11, 20].map(at)).toEqual(['SELECT 2', 'SELECT 2'])
    expect([22, 25, text.length].map(at)).toEqual(['-- third\nSELECT 3', '-- third\nSELECT 3', '-- third\nSELECT 3'])
    expect(statementAt(' -- nothing', 3)).toBeNull()
  })

  it('are found in a text of five thousand lines in no time that one would notice', () => {
    const text = "SELECT a, 'x;y', b FROM t -- why;\n".repeat(4999) + '; SELECT 2'
    expect(statementsOf(text)).toHaveLength(2)
  })
})

describe('parameters', () => {
  it.each([
    ['SELECT :a, :b_2 WHERE x = :a', ['a', 'b_2']],
    ["SELECT ':a', \":b\", `:c`, r':d' -- :e\n /* :f */ , :g", ['g']],
    ['SELECT a::INT, v:field, v[0]:x, (v):y, :z', ['z']],
    ['l: BEGIN SELECT :a; END', ['a']],
    ['SELECT * FROM t LIMIT :größe', ['größe']],
  ])('of %s', (text, expected) => {
    expect(parametersOf(text)).toEqual(expected)
  })
})

describe('tables', () => {
  it.each([
    ['SELECT * FROM a.b.c AS x JOIN `d e` y ON x.i = y.i', [[['a', 'b', 'c'], 'x'], [['d e'], 'y']]],
    ['SELECT * FROM a, b.c z WHERE 1 = 1', [[['a'], null], [['b', 'c'], 'z']]],
    ['INSERT INTO main.s.t SELECT 1 FROM range(3)', [[['main', 's', 't'], null]]],
    ['UPDATE t SET a = 1', [[['t'], null]]],
    ['MERGE INTO t USING s ON t.a = s.a', [[['t'], null], [['s'], null]]],
    ['SELECT 1 FROM (SELECT * FROM inner_one)', [[['inner_one'], null]]],
    ['SELECT  FROM a.b.', [[['a', 'b'], null]]],
  ])('of %s', (text, expected) => {
    expect(tablesOf(text).map((each) => [each.parts, each.alias])).toEqual(expected)
  })
})

describe('the place of a mistake', () => {
  const statement = 'SELECT a,\n  nope(b)\nFROM t'

  it.each([
    ["[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'. SQLSTATE: 42601 (line 2, pos 2)\n\n== SQL ==", 'nope'],
    ['[UNRESOLVED_ROUTINE] … SQLSTATE: 42883; line 2 pos 2', 'nope'],
    ['[DIVIDE_BY_ZERO] … SQLSTATE: 22012\n== SQL (line 1, position 8) ==', 'a'],
    ['[PARSE_SYNTAX_ERROR] … (line 3, pos 5)', 't'],
  ])('is in %s', (message, word) => {
    const { from, to } = spanOf(statement, positionIn(message)!)
    expect(statement.slice(from, to)).toBe(word)
  })

  it('is the last sign, where the engine wanted more', () => {
    expect(spanOf('SELECT', { line: 0, column: 6 })).toEqual({ from: 5, to: 6 })
    expect(spanOf('SELECT', { line: 9, column: 9 })).toEqual({ from: 5, to: 6 })
  })

  it('is nowhere when the engine does not say it', () => {
    expect(positionIn('User does not have SELECT on Table t')).toBeNull()
  })
})
