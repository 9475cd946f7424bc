import { Modal } from '@mantine/core'

const MAC = /Mac|iP/.test(navigator.platform)
const MOD = MAC ? '⌘' : 'Ctrl'

export const KEYS: [string, [string[], string][]][] = [
  [
    'Run',
    [
      [[MOD, 'Enter'], 'What is selected, or the statement at the cursor'],
      [[MOD, 'Shift', 'Enter'], 'All statements, one after the other'],
      [['Alt', 'Shift', 'X'], 'Cancel'],
    ],
  ],
  [
    'Write',
    [
      [[MOD, 'Space'], 'What could come next'],
      [['Alt', 'Shift', 'F'], 'Format'],
      [[MOD, '/'], 'Comment out, or in again'],
      [[MOD, 'F'], 'Find and replace'],
      [['F8'], 'To where the engine found a mistake'],
      [['Esc', 'Tab'], 'Out of the text: Tab alone also takes what is offered'],
    ],
  ],
  [
    'Tabs and places',
    [
      [['Alt', 'Shift', 'N'], 'New tab'],
      [['Alt', 'Shift', 'W'], 'Close the tab; Delete on a tab does, too, and F2 renames it'],
      [['Alt', 'Shift', 'PgUp / PgDn'], 'Tab before, tab after'],
      [['Alt', 'Shift', 'E'], 'To the text'],
      [['Alt', 'Shift', 'R'], 'To the result'],
      [['Alt', 'Shift', 'B'], 'To the catalog; Enter inserts a name'],
      [['Alt', 'Shift', 'H'], 'History'],
      [['?'], 'This, outside the text; F1 everywhere'],
    ],
  ],
  [
    'In a result',
    [
      [['← ↑ → ↓'], `From cell to cell; with ${MOD} to the end, with Shift they select`],
      [[MOD, 'C'], 'Copy what is selected'],
      [['Enter'], 'Menu of the column: sort, filter, statistics, width'],
    ],
  ],
]

export function Help({ opened, onClose }: { opened: boolean; onClose: () => void }) {
  return (
    <Modal opened={opened} onClose={onClose} title={<b>Keyboard</b>} size="xl">
      <div className="keys">
        {KEYS.map(([title, all]) => (
          <section key={title}>
            <h3>{title}</h3>
            <dl>
              {all.map(([keys, what]) => (
                <div key={what}>
                  <dt>
                    {keys.map((key) => (
                      <kbd key={key}>{key}</kbd>
                    ))}
                  </dt>
                  <dd>{what}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  )
}
