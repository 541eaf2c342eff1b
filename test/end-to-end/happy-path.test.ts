import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { verifyAudit } from '../../src/store/audit.ts'
import { loadSteps } from '../../src/store/steps.ts'
import { describeOnEachHouse, ended, progressComments } from './house.ts'

describeOnEachHouse('a labelled issue', (open, kind) => {
  it('becomes a pull request with evidence, and everything is told', async () => {
    const house = await open()
    const app = await house.start()
    const delivered = await house.label()
    expect(delivered.status).toBe(202)

    const run = await ended(house)
    expect(run.failure).toBeNull()
    expect(run.state).toBe('done')

    const [pull, ...others] = house.repository.pulls()
    expect(others).toEqual([])
    expect(pull).toMatchObject({
      title: 'fix(cart): count an item as often as it is bought',
      base: 'main',
      draft: false,
    })
    expect(pull?.head).toMatch(/^journeyman\/1-the-cart-total-ignores-the-quantity-/)
    expect(pull?.body).toContain('Closes #1')
    expect(pull?.body).toMatch(/`npm run test` \| ❌ exit 1 .* \| ✅ exit 0/)
    expect(await house.repository.git('diff', '--name-only', `main...${pull?.head}`)).toBe(
      'src/cart.js\ntest/cart.test.js\n',
    )
    const message = await house.repository.git('log', '-1', '--format=%B', pull?.head ?? '')
    expect(message).toContain(`Journeyman-Run: ${run.id}`)
    expect(message).toMatch(/Co-authored-by: alice </)

    const [comment, ...more] = progressComments(house)
    expect(more).toEqual([])
    expect(comment?.body).toContain(`**Done: #${pull?.number} is ready for review** · 10 of 10 steps`)
    expect(house.repository.reactions(house.issue.number)).toEqual([expect.objectContaining({ content: 'eyes' })])
    expect(house.repository.issue(house.issue.number).labels).toEqual(['ai:review'])
    expect(house.repository.checkRuns()).toEqual([
      expect.objectContaining({ headSha: pull?.headSha, status: 'completed', conclusion: 'success' }),
    ])
    expect(house.world.violations).toEqual([])

    const asked = house.world.requests.filter((request) => request.service === 'claude')
    expect(JSON.stringify(asked[0]?.body)).toMatch(/author=\\"alice\\" permission=\\"write\\"/)

    const { db } = app.database()
    const charges = await db.selectFrom('cost_tracking').selectAll().execute()
    expect(charges).toHaveLength(house.world.claude.answered.length)
    expect(charges.every((charge) => charge.state === 'settled')).toBe(true)
    const effects = await db.selectFrom('effects').selectAll().execute()
    expect(effects.map((effect) => effect.state)).toEqual(effects.map(() => 'confirmed'))
    const audited = await db.selectFrom('audit_log').select(['detail', 'action']).where('run_id', '=', run.id).execute()
    const auditedKeys = new Set(audited.map((row) => (row.detail as { key?: string }).key))
    expect(effects.filter((effect) => !auditedKeys.has(effect.key))).toEqual([])
    expect(await verifyAudit(db)).toMatchObject({ ok: true })
    expect((await loadSteps(db, run.id)).every((step) => step.state === 'done')).toBe(true)
    expect(await readdir(join(house.config().data_dir, 'work', 'runs')).catch(() => [])).toEqual([])
  })

  it('is one run when it is told ten times at once, and when a second label comes', async () => {
    const house = await open()
    const app = await house.start()
    const first = await Promise.all(
      Array.from({ length: 10 }, () => house.label('11111111-1111-4111-8111-111111111111')),
    )
    expect(first.map((answer) => answer.status).sort()).toEqual([...Array(9).fill(200), 202])
    const bob = house.world.github.addUser('bob')
    house.repository.setPermission('bob', 'write')
    const second = await house.repository.label(house.issue.number, 'ai', bob)
    expect(JSON.parse(second.body)).toMatchObject({ known: false, disposition: 'joined' })

    const run = await ended(house)
    expect(run.state).toBe('done')
    const { db } = app.database()
    expect(await db.selectFrom('workflow_executions').select('id').execute()).toHaveLength(1)
    expect(house.repository.pulls()).toHaveLength(1)
    expect(progressComments(house)).toHaveLength(1)
  })

  if (kind === 'pglite') return

  it('can be asked for again after it has ended', async () => {
    const house = await open()
    await house.start()
    await house.label()
    const first = await ended(house)
    await house.label()
    const second = await ended(house)
    expect(second.id).not.toBe(first.id)
    expect(second.state).toBe('done')
    expect(house.repository.pulls()).toHaveLength(2)
  })
})
