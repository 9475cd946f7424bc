// Charts: of ECharts only what these five need. A chunk of its own.
import { BarChart, LineChart, PieChart, ScatterChart } from 'echarts/charts'
import { GridComponent, LegendPlainComponent, TooltipComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { CanvasRenderer } from 'echarts/renderers'
import type { Plot } from './result'

use([BarChart, LineChart, PieChart, ScatterChart, GridComponent, LegendPlainComponent, TooltipComponent, CanvasRenderer])

export const CHARTS = ['bar', 'line', 'area', 'pie', 'scatter'] as const
export type ChartKind = (typeof CHARTS)[number]

export interface Drawing {
  kind: ChartKind
  plot: Plot
  x: string
  ys: string[]
  /** Whether x is a quantity. */
  numeric: boolean
  dark: boolean
  still: boolean
}

// Told apart also by those who see no colours: light and dark alternate.
const LIGHT = ['#0f656d', '#e08a2b', '#5b4bb0', '#c2427a', '#3f8f3a', '#2f6fc4', '#8a5a2b', '#7a7f87']
const DARK = ['#5cc4c0', '#f0b061', '#a99bf0', '#ef8fb8', '#86cf80', '#86b6f0', '#d0a070', '#b4bcc4']

/** Draws into `place`, until what it returns is called. */
export function draw(place: HTMLElement, drawing: Drawing): () => void {
  const chart = init(place, null, { renderer: 'canvas' })
  chart.setOption(optionOf(drawing))
  const size = new ResizeObserver(() => chart.resize())
  size.observe(place)
  return () => {
    size.disconnect()
    chart.dispose()
  }
}

export function optionOf({ kind, plot, x, ys, numeric, dark, still }: Drawing) {
  const text = dark ? '#d9dee3' : '#343b41'
  const line = dark ? '#3d474e' : '#dfe4e8'
  const label = (value: string | null) => value ?? 'null'
  const quantity = (value: string | null) => (value === null || value === '' ? null : Number(value))
  const values = kind === 'scatter' || (numeric && kind !== 'bar' && kind !== 'pie')
  const axis = { axisLine: { lineStyle: { color: line } }, axisLabel: { color: text, hideOverlap: true }, nameTextStyle: { color: text }, splitLine: { lineStyle: { color: line } } }
  const one = {
    color: dark ? DARK : LIGHT,
    animation: !still,
    // In the canvas: the page allows no styles in markup.
    tooltip: { trigger: kind === 'pie' || kind === 'scatter' ? 'item' : 'axis', renderMode: 'richText', confine: true },
    // A pie of many slices has its labels beside them.
    legend: ys.length > 1 || (kind === 'pie' && plot.points.length <= 12) ? { type: 'plain', textStyle: { color: text }, bottom: 0 } : undefined,
  } as const
  if (kind === 'pie') {
    return {
      ...one,
      series: [
        {
          type: 'pie' as const,
          name: ys[0] ?? '',
          radius: ['35%', '70%'],
          label: { color: text },
          data: plot.points.map((point) => ({ name: label(point.x), value: point.y[0] ?? 0 })),
        },
      ],
    }
  }
  return {
    ...one,
    grid: { left: 12, right: 24, top: 24, bottom: ys.length > 1 ? 56 : 36, containLabel: true },
    xAxis: values
      ? { ...axis, type: 'value' as const, name: x, nameLocation: 'middle' as const, nameGap: 26, scale: true }
      : { ...axis, type: 'category' as const, name: x, nameLocation: 'middle' as const, nameGap: 26, data: plot.points.map((point) => label(point.x)) },
    yAxis: { ...axis, type: 'value' as const, scale: kind === 'scatter' },
    series: ys.map((name, at) => ({
      type: kind === 'area' ? ('line' as const) : kind,
      name,
      ...(kind === 'area' ? { areaStyle: { opacity: 0.25 } } : {}),
      ...(kind === 'scatter' ? { symbolSize: 6 } : { showSymbol: plot.points.length < 80 }),
      ...(kind === 'bar' ? { barMaxWidth: 46 } : {}),
      data: plot.points.map((point) => (values ? [quantity(point.x), point.y[at] ?? null] : (point.y[at] ?? null))),
    })),
  }
}
