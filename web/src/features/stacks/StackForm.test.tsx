import { screen, waitFor } from '@testing-library/react'
import userEvent from '@testing-library/user-event'
import { expect, it, vi } from 'vitest'
import { identify } from '../../api/client'
import { answering, show } from '../../test/server'
import { problem, StackForm } from './StackForm'

vi.mock('./Graph', () => ({ Graph: () => null })) // needs a browser that lays out

const TEMPLATE = {
  StackName: 'databricks-workspace-stack-1a2b3',
  Region: 'us-east-1',
  ParameterGroups: [
    { Label: 'Account', Parameters: ['AccountId', 'SessionToken'] },
    { Label: 'Workspace', Parameters: ['WorkspaceName'] },
    { Label: 'Advanced', Parameters: ['Mode'] },
  ],
  Parameters: [
    { ParameterKey: 'AccountId', ParameterLabel: 'Account id', DefaultValue: 'acc', SuppliedByServer: true },
    { ParameterKey: 'SessionToken', ParameterLabel: 'Session token', NoEcho: true, SuppliedByServer: true, ParameterConstraints: { MinLength: 1 } },
    {
      ParameterKey: 'WorkspaceName',
      ParameterLabel: 'Workspace name',
      ParameterConstraints: { MinLength: 1, MaxLength: 64, AllowedPattern: '[A-Za-z].*', ConstraintDescription: 'a letter first' },
    },
    { ParameterKey: 'Mode', ParameterLabel: 'Mode', DefaultValue: 'Managed', ParameterConstraints: { AllowedValues: ['Managed', 'Customer'] } },
  ],
  Resources: [{ LogicalResourceId: 'bucket', Included: true }],
}

it('asks only for what the server does not know, and sends only what was given', async () => {
  identify('acc', 'csrf')
  const asked = answering({
    'GET /api/2.0/accounts/acc/stacks/templates/quickstart': TEMPLATE,
    'POST /api/2.0/accounts/acc/stacks': { StackName: TEMPLATE.StackName },
  })
  const { router } = show(StackForm)
  const name = await screen.findByRole('textbox', { name: /Workspace name/ })
  expect((screen.getByRole('textbox', { name: /Account id/ }) as HTMLInputElement).readOnly).toBe(true)
  await userEvent.type(name, 'dev')
  await userEvent.click(screen.getByRole('checkbox'))
  await userEvent.click(screen.getByRole('button', { name: 'Create stack' }))
  await waitFor(() => expect(router.state.location.pathname).toBe('/stacks/databricks-workspace-stack-1a2b3'))
  expect(asked.find((each) => each.verb === 'POST')?.body).toEqual({
    StackName: 'databricks-workspace-stack-1a2b3',
    Parameters: { WorkspaceName: 'dev' },
  })
})

it('says beside the field what is expected, and sends nothing meanwhile', async () => {
  identify('acc', 'csrf')
  const asked = answering({ 'GET /api/2.0/accounts/acc/stacks/templates/quickstart': TEMPLATE })
  show(StackForm)
  await userEvent.type(await screen.findByRole('textbox', { name: /Workspace name/ }), '1dev')
  expect(await screen.findByText('Expected: a letter first')).toBeTruthy()
  await userEvent.click(screen.getByRole('checkbox'))
  await userEvent.click(screen.getByRole('button', { name: 'Create stack' }))
  expect(asked.some((each) => each.verb === 'POST')).toBe(false)
})

it('leaves to the server a pattern that only Java reads', () => {
  expect(problem({ ParameterKey: 'A', ParameterConstraints: { AllowedPattern: '\\p{IsAlphabetic}++' } }, { A: '1' })).toBeNull()
})
