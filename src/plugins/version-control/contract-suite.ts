import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Actor } from '../../domain/event.ts'
import type { CheckRun, RepositoryRef, VersionControl } from './contract.ts'

/** What the suite needs of a code host, the real one's stand-in or a fake: a repository with a few people. */
export type VersionControlStage = {
  plugin: VersionControl
  /** Its default branch is `main` and has a commit. */
  ref: RepositoryRef
  writer: Actor
  reader: Actor
  stranger: Actor
  /** Makes a commit on a branch, which is made from `main` when it is new, and gives its id. */
  commit: (branch: string, text: string) => Promise<string>
  closeChange: (number: number) => Promise<void>
  close: () => Promise<void>
}

/** What every version control plugin does alike. Each plugin's own tests run this, and so does every fake. */
export const versionControlContract = (name: string, setStage: () => Promise<VersionControlStage>): void => {
  describe(`${name} as version control`, () => {
    let stage: VersionControlStage
    beforeAll(async () => {
      stage = await setStage()
    })
    afterAll(() => stage.close())

    const elsewhere = (): RepositoryRef => ({ ...stage.ref, repository: `${stage.ref.repository}-not-there` })
    const open = async (branch: string) => {
      await stage.commit(branch, branch)
      const input = { title: 'feat: a thing', body: 'Why', sourceBranch: branch, targetBranch: 'main', draft: true }
      return stage.plugin.createChange(stage.ref, input)
    }

    it('knows itself, and its account', async () => {
      const self = await stage.plugin.self()
      expect(self.login).not.toBe('')
      expect(self.id).toMatch(/^\S+$/)
      expect(await stage.plugin.self()).toEqual(self)
      expect((await stage.plugin.check()).account).not.toBe('')
    })

    it('describes a repository, and says not_found for one that is not there', async () => {
      const info = await stage.plugin.getRepository(stage.ref)
      expect(info).toMatchObject({ repository: stage.ref.repository, defaultBranch: 'main', archived: false })
      expect(info.cloneUrl).toMatch(/^https?:\/\//)
      await expect(stage.plugin.getRepository(elsewhere())).rejects.toMatchObject({ code: 'not_found' })
    })

    it('says what a person may do, of strangers and taken-over names too', async () => {
      const { plugin, ref, writer } = stage
      expect(await plugin.getPermission(ref, writer)).toBe('write')
      expect(['read', 'none']).toContain(await plugin.getPermission(ref, stage.reader))
      expect(['read', 'none']).toContain(await plugin.getPermission(ref, stage.stranger))
      expect(await plugin.getPermission(ref, { ...writer, id: '999999999' })).toBe('none')
      expect(await plugin.getPermission(ref, { login: 'nobody-of-this-name', id: '1', isBot: false })).toBe('none')
    })

    it('gives a credential for git that has not run out', async () => {
      const credential = await stage.plugin.getGitCredential(stage.ref)
      expect(credential.password.length).toBeGreaterThan(10)
      expect(credential.expiresAt === null || credential.expiresAt.getTime() > Date.now()).toBe(true)
    })

    it('finds a branch by its name, with slashes too, and deletes it once and twice', async () => {
      const { plugin, ref } = stage
      expect(await plugin.getBranchHead(ref, 'feature/none')).toBeNull()
      const head = await stage.commit('feature/one', 'one')
      expect(await plugin.getBranchHead(ref, 'feature/one')).toBe(head)
      await plugin.deleteBranch(ref, 'feature/one')
      await plugin.deleteBranch(ref, 'feature/one')
      expect(await plugin.getBranchHead(ref, 'feature/one')).toBeNull()
    })

    it('opens a change and finds it again by its branch', async () => {
      const { plugin, ref } = stage
      expect(await plugin.findChange(ref, 'feature/two')).toBeNull()
      const change = await open('feature/two')
      expect(change).toMatchObject({
        title: 'feat: a thing',
        description: 'Why',
        state: 'open',
        source_branch: 'feature/two',
        target_branch: 'main',
        head_sha: await plugin.getBranchHead(ref, 'feature/two'),
        repository: ref.repository,
      })
      expect(await plugin.findChange(ref, 'feature/two')).toEqual(change)
      expect(await plugin.getChange(ref, change.number)).toEqual(change)
    })

    it('says conflict for a second change from the same branch', async () => {
      await open('feature/three')
      const again = { title: 'x', body: '', sourceBranch: 'feature/three', targetBranch: 'main', draft: false }
      await expect(stage.plugin.createChange(stage.ref, again)).rejects.toMatchObject({ code: 'conflict' })
    })

    it('closes a change, and leaves a closed one as it is', async () => {
      const { plugin, ref } = stage
      const change = await open('feature/closes')
      expect(await plugin.closeChange(ref, change.number)).toMatchObject({ number: change.number, state: 'closed' })
      expect(await plugin.closeChange(ref, change.number)).toMatchObject({ state: 'closed' })
      await expect(plugin.closeChange(ref, 99_999)).rejects.toMatchObject({ code: 'not_found' })
    })

    it('prefers the open change of a branch to a closed one, and finds the closed one when there is no other', async () => {
      const { plugin, ref } = stage
      const closed = await open('feature/four')
      await stage.closeChange(closed.number)
      expect(await plugin.findChange(ref, 'feature/four')).toMatchObject({ number: closed.number, state: 'closed' })
      const second = await open('feature/four')
      expect(await plugin.findChange(ref, 'feature/four')).toMatchObject({ number: second.number, state: 'open' })
    })

    it('takes titles and bodies over the limit, and says that they were shortened', async () => {
      await stage.commit('feature/long', 'long')
      const marker = '<!-- journeyman:run_long -->'
      const change = await stage.plugin.createChange(stage.ref, {
        title: `feat: ${'very '.repeat(200)}long`,
        body: `${'word 😀 '.repeat(20_000)}\n${marker}`,
        sourceBranch: 'feature/long',
        targetBranch: 'main',
        draft: false,
      })
      expect(change.title.length).toBeLessThanOrEqual(256)
      expect(change.description).toMatch(/Shortened/)
      expect(change.description).toContain(marker)
    })

    it('labels a change, also with what it has', async () => {
      const change = await open('feature/labels')
      await stage.plugin.addLabels(stage.ref, change.number, ['ai:review'])
      await stage.plugin.addLabels(stage.ref, change.number, ['ai:review'])
      await stage.plugin.addLabels(stage.ref, change.number, [])
    })

    it('keeps one check by our own name for it', async () => {
      const { plugin, ref } = stage
      const headSha = await stage.commit('feature/check', 'check')
      const check: CheckRun = {
        name: 'Journeyman',
        headSha,
        status: 'in_progress',
        title: 'Working',
        summary: '',
        externalId: 'run_1',
      }
      expect(await plugin.findCheckRun(ref, headSha, 'run_1')).toBeNull()
      const created = await plugin.createCheckRun(ref, check)
      expect(await plugin.findCheckRun(ref, headSha, 'run_1')).toEqual(created)
      expect(await plugin.findCheckRun(ref, headSha, 'run_2')).toBeNull()
      await plugin.updateCheckRun(ref, created.id, { ...check, status: 'completed', conclusion: 'success' })
      expect(await plugin.findCheckRun(ref, headSha, 'run_1')).toEqual(created)
    })

    it('refuses a repository that is not written as one', async () => {
      const ref = { ...stage.ref, repository: 'no-owner' }
      await expect(stage.plugin.getRepository(ref)).rejects.toMatchObject({ code: 'invalid_input' })
    })
  })
}
