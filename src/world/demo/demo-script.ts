import type { Script, ScriptedTurn } from '../contract.ts'

/**
 * What the scripted model answers in the demo: it looks, sees the test fail, mends the code, adds a test, sees all of them
 * pass, hands in. The tools do real work on what it asks for; only its words are fixed.
 */
const turns: ScriptedTurn[] = [
  {
    text: 'I will look at the code and at the test that is to pass.',
    tools: [
      { name: 'str_replace_based_edit_tool', input: { command: 'view', path: 'src/cart.js' } },
      { name: 'str_replace_based_edit_tool', input: { command: 'view', path: 'test/cart.test.js' } },
      { name: 'bash', input: { command: 'npm test 2>&1 | tail -n 30' } },
    ],
  },
  {
    text: 'The sum leaves the quantity out. An item without one counts once.',
    tools: [
      {
        name: 'str_replace_based_edit_tool',
        input: {
          command: 'str_replace',
          path: 'src/cart.js',
          old_str: '    sum += item.price\n',
          new_str: '    sum += item.price * (item.quantity ?? 1)\n',
        },
      },
    ],
  },
  {
    text: 'One more test, for an item that is in the cart with a quantity of none.',
    tools: [
      {
        name: 'str_replace_based_edit_tool',
        input: {
          command: 'str_replace',
          path: 'test/cart.test.js',
          old_str: "test('acceptance:",
          new_str:
            "test('an item with a quantity of none costs nothing', () => {\n  assert.equal(total([{ price: 250, quantity: 0 }]), 0)\n})\n\ntest('acceptance:",
        },
      },
    ],
  },
  { text: 'Now all of the tests.', tools: [{ name: 'bash', input: { command: 'npm test 2>&1 | tail -n 30' } }] },
  {
    text: 'They pass. I hand it in.',
    tools: [
      {
        name: 'submit',
        input: {
          summary: 'The cart total multiplies each price by the quantity; an item without one counts once.',
          title: 'fix(cart): count an item as often as it is bought',
          description:
            '`total()` added every price once. It now multiplies by `quantity`, which is 1 where an item has none, so that carts written before quantities existed cost what they did.',
          commit_message:
            'fix(cart): count an item as often as it is bought\n\nThe total added each price once and left the quantity out.',
          files: [
            { path: 'src/cart.js', note: 'multiplies by the quantity' },
            { path: 'test/cart.test.js', note: 'a test for a quantity of none' },
          ],
          tests: ['test/cart.test.js: an item with a quantity of none costs nothing'],
          criteria: [
            {
              criterion: 'An item counts as often as it is bought',
              evidence: 'test "acceptance: an item counts as often as it is bought"',
            },
            { criterion: 'An item without a quantity counts once', evidence: 'test "items are added up"' },
            { criterion: '`npm test` passes', evidence: 'the recorded check below' },
          ],
          breaking_changes: [],
          not_done: ['Negative and fractional quantities are not refused; the ticket does not ask for it.'],
        },
      },
    ],
  },
]

export const demoScript: Script = ({ turn }) => turns[Math.min(turn, turns.length - 1)] as ScriptedTurn
