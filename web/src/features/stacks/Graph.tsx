import '@xyflow/react/dist/style.css'
import { graphlib, layout } from '@dagrejs/dagre'
import { Background, type Edge, Handle, type Node, type NodeProps, Position, ReactFlow } from '@xyflow/react'
import { useMantineColorScheme } from '@mantine/core'
import { useMemo } from 'react'
import type { Result } from '../../api/client'
import { Status } from '../../ui/Status'

type Resource = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/stacks/{name}/template'>['Resources']>[number]
type Box = Node<{ down: boolean; name: string; type: string; state: string | undefined }>

const WIDTH = 216
const HEIGHT = 78

function Resource({ data }: NodeProps<Box>) {
  return (
    <div className="node">
      <Handle type="target" position={data.down ? Position.Top : Position.Left} isConnectable={false} />
      <b title={data.name}>{data.name}</b>
      <span className="dim">{data.type}</span>
      {data.state ? <Status state={data.state} /> : <Status state="to come" as="idle" />}
      <Handle type="source" position={data.down ? Position.Bottom : Position.Right} isConnectable={false} />
    </div>
  )
}

const TYPES = { resource: Resource }

/** In the order in which they can be made: what others need stands before them, to the left or above. */
function laidOut(resources: Resource[], states: Record<string, string>, down: boolean): { nodes: Box[]; edges: Edge[] } {
  const shown = resources.filter((each) => each.Included)
  const names = new Set(shown.map((each) => each.LogicalResourceId))
  const graph = new graphlib.Graph()
  graph.setGraph({ rankdir: down ? 'TB' : 'LR', nodesep: 18, ranksep: down ? 34 : 56, marginx: 12, marginy: 12 })
  graph.setDefaultEdgeLabel(() => ({}))
  const edges: Edge[] = []
  for (const each of shown) {
    const id = each.LogicalResourceId ?? ''
    graph.setNode(id, { width: WIDTH, height: HEIGHT })
    for (const use of each.Uses ?? []) {
      const needed = use.LogicalResourceId ?? ''
      if (names.has(needed)) {
        graph.setEdge(needed, id)
        edges.push({ id: `${needed}>${id}`, source: needed, target: id, ariaLabel: `${id} uses ${needed}` })
      }
    }
  }
  layout(graph)
  const nodes = shown.map((each): Box => {
    const id = each.LogicalResourceId ?? ''
    const at = graph.node(id)
    return {
      id,
      type: 'resource',
      position: { x: at.x - WIDTH / 2, y: at.y - HEIGHT / 2 },
      data: { down, name: id, type: each.ResourceType ?? '', state: states[id] },
      ariaLabel: `${id}, ${each.ResourceType}, ${states[id] ?? 'to come'}; uses ${(each.Uses ?? []).map((use) => use.LogicalResourceId).join(', ') || 'nothing'}`,
    }
  })
  return { nodes, edges }
}

export function Graph({ nodes: resources, states, down = false }: { nodes: Resource[]; states: Record<string, string>; down?: boolean }) {
  const { colorScheme } = useMantineColorScheme()
  const { nodes, edges } = useMemo(() => laidOut(resources, states, down), [resources, states, down])
  return (
    <section className={down ? 'card graph tall' : 'card graph'} aria-label="Resources and what they use">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={TYPES}
        colorMode={colorScheme === 'auto' ? 'system' : colorScheme}
        fitView
        fitViewOptions={{ padding: 0.06 }}
        minZoom={0.2}
        nodesDraggable={false}
        nodesConnectable={false}
        edgesFocusable={false}
        zoomOnScroll={false}
        preventScrolling={false}
        proOptions={{ hideAttribution: true }}
      >
        <Background gap={18} size={1} />
      </ReactFlow>
    </section>
  )
}
