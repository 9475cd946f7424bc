// The names of a stack's things, for people.
import type { Result } from '../../api/client'

export type StackRow = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/stacks'>['Stacks']>[number]

export function settled(status: string | undefined): boolean {
  return !/IN_PROGRESS|CLEANUP/.test(status ?? 'IN_PROGRESS')
}

export function parameter(stack: StackRow, key: string): string | undefined {
  return stack.Parameters?.find((each) => each.ParameterKey === key)?.ParameterValue
}

/** `databricks-workspace-stack-` tells nobody anything. */
export function terraform(parameters: Record<string, string>): string {
  return [
    '# The same template on AWS; stack/quickstart.yaml is in the repository.',
    'resource "aws_cloudformation_stack" "workspace" {',
    '  name          = "databricks-workspace-stack"',
    '  capabilities  = ["CAPABILITY_NAMED_IAM"]',
    '  template_body = file("stack/quickstart.yaml")',
    '  parameters = {',
    ...Object.entries(parameters).map(([key, value]) => `    ${key} = ${JSON.stringify(value)}`),
    '  }',
    '}',
  ].join('\n')
}
