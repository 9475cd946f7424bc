/** What a resource is called in its template, and what it is. */
export function ResourceName({ of }: { of: { LogicalResourceId?: string; ResourceType?: string } }) {
  return (
    <>
      <b>{of.LogicalResourceId}</b>
      <br />
      <span className="dim small">{of.ResourceType}</span>
    </>
  )
}
