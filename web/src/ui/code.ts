// The same, said to the API of a workspace.

/** A call of the workspace client in Python. */
export const python = (call: string, imports = ''): string =>
  `from databricks.sdk import WorkspaceClient\n${imports}\nw = WorkspaceClient()  # reads the environment\n${call}`

/** A block of a Terraform resource; what is not given is left out. */
export function terraform(type: string, name: string, fields: Record<string, string | string[] | boolean | undefined>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== undefined && value !== '')
  const width = Math.max(...given.map(([key]) => key.length))
  return [
    `resource "${type}" "${name.replace(/\W/g, '_')}" {`,
    ...given.map(([key, value]) => `  ${key.padEnd(width)} = ${JSON.stringify(value)}`),
    '}',
  ].join('\n')
}
