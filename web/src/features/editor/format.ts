// Spark's dialect of the formatter, and none of its others. A chunk of its own.
import { formatDialect, spark } from 'sql-formatter'

/** @throws Error the text is no SQL that it knows */
export const format = (text: string): string =>
  formatDialect(text, { dialect: spark, keywordCase: 'upper', tabWidth: 2, linesBetweenQueries: 1, paramTypes: { named: [':'] } })
