/** A small shop, whose acceptance test for the next feature stands there already and fails. */
export const sampleRepository = {
  name: 'acme/corner-shop',
  files: {
    'README.md': '# Corner shop\n\nPrices in cents. `npm test` runs the tests.\n',
    'package.json': `${JSON.stringify({ name: 'corner-shop', version: '1.0.0', private: true, type: 'module', scripts: { test: 'node --test' } }, null, 2)}\n`,
    'AGENTS.md': 'Amounts are whole cents. Every function in src/ has a test in test/. No dependencies.\n',
    'src/cart.js': `/** What the cart costs, in cents. */
export const total = (items) => {
  let sum = 0
  for (const item of items) {
    sum += item.price
  }
  return sum
}
`,
    'test/cart.test.js': `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { total } from '../src/cart.js'

test('an empty cart costs nothing', () => {
  assert.equal(total([]), 0)
})

test('items are added up', () => {
  assert.equal(total([{ price: 250 }, { price: 199 }]), 449)
})

test('acceptance: an item counts as often as it is bought', () => {
  assert.equal(total([{ price: 250, quantity: 3 }, { price: 199 }]), 949)
})
`,
  },
  issue: {
    title: 'The cart total ignores the quantity',
    body: `When somebody buys three loaves, the cart charges for one.

\`total()\` in \`src/cart.js\` adds each item's price once, whatever its \`quantity\` says.

## Acceptance criteria

- An item counts as often as it is bought
- An item without a quantity counts once
- \`npm test\` passes
`,
  },
}
