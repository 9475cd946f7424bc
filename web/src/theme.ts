import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core'

const tarn: MantineColorsTuple = [
  '#e8f6f6', '#d0eae9', '#a3d5d3', '#72bfbd', '#4aa9a8', '#2c9294', '#167a7f', '#0f656d', '#0d525a', '#083e45',
]

const dark: MantineColorsTuple = [
  '#d9dee3', '#b4bcc4', '#98a1aa', '#6d7881', '#3d474e', '#31393f', '#222a2f', '#1a2024', '#151a1d', '#101416',
]

/** A dialog's heading is no second banner of the page. */
const DIALOG = { attributes: { header: { role: 'presentation' } } }

export const theme = createTheme({
  primaryColor: 'tarn',
  primaryShade: { light: 7, dark: 6 },
  colors: { tarn, dark },
  fontFamily: 'Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, "JetBrains Mono", Menlo, Consolas, monospace',
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  defaultRadius: 'sm',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    Modal: { defaultProps: { ...DIALOG, centered: true, closeButtonProps: { 'aria-label': 'Close' } } },
    Drawer: { defaultProps: DIALOG },
    TextInput: { defaultProps: { size: 'sm' } },
    Tooltip: { defaultProps: { withArrow: true } },
  },
})

/** Mantine's grey for what matters less has too little contrast on white. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': '#545d66',
    '--mantine-color-placeholder': '#6a737c',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#0d5f68',
  },
  dark: {
    '--mantine-color-dimmed': '#a3abb3',
    '--mantine-color-placeholder': '#98a1aa',
    '--mantine-color-error': '#ff9c92',
    '--mantine-color-anchor': '#7fd1c7',
  },
})
