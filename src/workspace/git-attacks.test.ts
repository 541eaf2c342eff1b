import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Workspace } from './contract.ts'
import { giveTreeTo, sandboxOwner } from './sandbox/owner.ts'
import { plainGit, type TestRepository } from './test-support/git-server.ts'
import { openTestRoom, runIn, type TestRoom } from './test-support/open-test-room.ts'

/**
 * The attacks on git of SECURITY.md. Each is carried out as an agent would, in the work tree, and then every verb that uses
 * the host's git is called. `trap` is a program that would leave a mark; nothing may run it.
 */
let room: TestRoom
let repository: TestRepository
let workspace: Workspace
let mark: string
let trap: string
let count = 0

beforeAll(async () => {
  room = await openTestRoom({ mirrorFreshSeconds: 600 })
  repository = await room.server.createRepository('shop', {
    'a.txt': 'one\n',
    'b.bin': 'two\n',
    'sub-folder/c.txt': 'three\n',
  })
})
afterAll(() => room.close())
beforeAll(async () => {
  // Everybody may leave a mark: git writes the work tree as another user than it reads it.
  await mkdir(join(room.folder, 'marks'))
  await chmod(join(room.folder, 'marks'), 0o777)
})

beforeEach(async () => {
  workspace = await room.open(`run_attack${++count}`, repository)
  mark = join(room.folder, 'marks', String(count))
  trap = join(room.folder, `trap-${count}`)
  await writeFile(`${trap}.config`, `[core]\n fsmonitor = ${trap}\n`)
  await writeFile(trap, `#!/bin/sh\necho "$0 $*" >> ${mark}\ncat\n`, { mode: 0o755 })
})
afterEach(() => workspace.close())

const author = { name: 'A Bot', email: 'bot@example.com' }

/** Everything that the host does with this work tree. */
const useEveryVerb = async () => {
  await runIn(workspace, 'echo changed >> a.txt')
  const first = await workspace.snapshot('one')
  await workspace.proposal()
  await workspace.unifiedDiff(10_000)
  await workspace.history.log({ limit: 5 })
  await workspace.history.show('HEAD')
  await workspace.history.blame('a.txt', 1, 3)
  await workspace.history.diff()
  await runIn(workspace, 'echo more >> a.txt')
  await workspace.snapshot('two')
  await workspace.restore(first.commit)
  const commit = await workspace.commit({ message: 'A change', author, date: new Date(0) })
  await workspace.push({ commit, branch: `attack/${count}`, expected: null })
  return commit
}

const expectNothingRan = () => expect(existsSync(mark), 'something of the work tree was run by the host').toBe(false)

const configThatRuns = () =>
  [
    `[core]\n fsmonitor = ${trap}\n hooksPath = ${room.folder}\n sshCommand = ${trap}\n pager = ${trap}\n editor = ${trap}\n askPass = ${trap}`,
    `[filter "evil"]\n clean = ${trap}\n smudge = ${trap}\n process = ${trap}\n required = true`,
    `[diff "evil"]\n textconv = ${trap}\n command = ${trap}`,
    `[diff]\n external = ${trap}`,
    `[merge "evil"]\n driver = ${trap}`,
    `[gpg]\n program = ${trap}\n[commit]\n gpgSign = true`,
    `[credential]\n helper = !${trap}`,
    `[include]\n path = ${trap}.config`,
    `[url "http://127.0.0.1:1/"]\n insteadOf = http://`,
    `[alias]\n status = !${trap}`,
  ].join('\n')

/** A repository with all of that at `path`, and whatever else, as the agent's user would have made it. */
const plantRepository = async (path: string, config = configThatRuns(), commit: string[] = []) => {
  const folder = join(workspace.root, path)
  await mkdir(folder, { recursive: true })
  await plainGit(folder, 'init', '-q', '.')
  if (commit.length > 0) {
    await plainGit(folder, '-c', 'safe.directory=*', 'add', '-f', ...commit)
    await plainGit(folder, '-c', 'safe.directory=*', 'commit', '-q', '-m', 'inner')
  }
  await writeFile(join(folder, '.git/config'), `[core]\n repositoryformatversion = 0\n bare = false\n${config}\n`)
  for (const hook of ['pre-commit', 'post-checkout', 'pre-push', 'post-index-change', 'reference-transaction']) {
    await writeFile(join(folder, '.git/hooks', hook), `#!/bin/sh\necho hook >> ${mark}\n`, { mode: 0o755 })
  }
  await giveToAgent()
}

const giveToAgent = () => giveTreeTo(sandboxOwner(), workspace.root)

test('the traps of this suite do catch a git that is not guarded', async () => {
  await writeFile(join(workspace.root, '.gitattributes'), '* filter=evil\n')
  await plantRepository('.')
  await runIn(workspace, 'git status; git add -A || true')
  expect(await readFile(mark, 'utf8')).toContain(trap)
})

describe('nothing in the work tree decides what the host’s git runs', () => {
  test('hooks of every kind, configuration and include.path in a planted .git folder', async () => {
    await plantRepository('.')
    await useEveryVerb()
    expectNothingRan()
    expect((await workspace.snapshot('three')).leftOut).toContain('.git (a git directory of its own)')
  })

  test('.git replaced by a file that points elsewhere', async () => {
    await plantRepository('elsewhere')
    await writeFile(join(workspace.root, '.git'), 'gitdir: elsewhere/.git\n')
    await useEveryVerb()
    expectNothingRan()
  })

  test('clean, smudge and process filters named by .gitattributes', async () => {
    await writeFile(join(workspace.root, '.gitattributes'), '* filter=evil diff=evil merge=evil text eol=crlf ident\n')
    await plantRepository('.')
    const commit = await useEveryVerb()
    expectNothingRan()
    // And the attributes change no byte of what is committed.
    expect(await repository.git('show', `${commit}:a.txt`)).toBe('one\nchanged\n')
  })

  test('filters, attributes and hooks that the base commit already names', async () => {
    const evil = await room.server.createRepository(`evil-${count}`, {
      '.gitattributes': '* filter=evil diff=evil merge=evil\n',
      '.gitconfig': configThatRuns(),
      'a.txt': 'one\n',
      'hooks/post-checkout': { content: `#!/bin/sh\necho hook >> ${mark}\n`, mode: 'executable' },
    })
    await workspace.close()
    workspace = await room.open(`run_evil${count}`, evil)
    expect(await readFile(join(workspace.root, 'a.txt'), 'utf8')).toBe('one\n')
    await useEveryVerb()
    expectNothingRan()
  })

  test('an encoding that does not exist cannot stop a snapshot, nor hide a change', async () => {
    await writeFile(join(workspace.root, '.gitattributes'), '* working-tree-encoding=no-such -diff\n')
    await runIn(workspace, 'echo seen >> a.txt')
    const proposal = await workspace.proposal()
    expect(proposal.find(({ path }) => path === 'a.txt')).toMatchObject({ binary: false, addedText: 'seen\n' })
  })

  test('textconv and external diff are not used, and a change marked -diff is shown', async () => {
    await writeFile(join(workspace.root, '.gitattributes'), '*.txt diff=evil\n*.bin -diff\n')
    await plantRepository('.')
    await runIn(workspace, 'echo x >> a.txt; echo x >> b.bin')
    expect(await workspace.unifiedDiff(10_000)).toContain('+x')
    const proposal = await workspace.proposal()
    expect(proposal.filter(({ addedText }) => addedText === 'x\n').map(({ path }) => path)).toEqual(['a.txt', 'b.bin'])
    expectNothingRan()
  })

  test('insteadOf and a remote in a planted configuration do not move the push', async () => {
    await plantRepository('.', `[url "http://127.0.0.1:1/"]\n insteadOf = http://\n pushInsteadOf = http://`)
    const commit = await useEveryVerb()
    expect((await repository.git('rev-parse', `attack/${count}`)).trim()).toBe(commit)
  })

  test('core.worktree in a planted configuration does not move the work tree', async () => {
    await plantRepository('.', `[core]\n worktree = ${room.folder}`)
    await useEveryVerb()
    expect((await workspace.proposal()).map(({ path }) => path)).toEqual(['a.txt'])
  })

  test('.lfsconfig and lfs attributes cause no request and no program', async () => {
    await writeFile(
      join(workspace.root, '.lfsconfig'),
      `[lfs]\n url = http://127.0.0.1:1/\n customtransfer.x.path = ${trap}\n`,
    )
    await writeFile(join(workspace.root, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs -text\n')
    const commit = await useEveryVerb()
    expect(await repository.git('show', `${commit}:b.bin`)).toBe('two\n')
    expectNothingRan()
  })
})

describe('repositories inside the work tree', () => {
  test('an empty nested repository does not break a snapshot, and its files are recorded', async () => {
    await plantRepository('nested')
    await runIn(workspace, 'echo inside > nested/file.txt; mkdir nested/deep; echo d > nested/deep/d.txt')
    const commit = await useEveryVerb()
    expect(await repository.git('ls-tree', '-r', '--name-only', commit)).toBe(
      'a.txt\nb.bin\nnested/deep/d.txt\nnested/file.txt\nsub-folder/c.txt\n',
    )
    expectNothingRan()
  })

  test('a nested repository with commits keeps its content, and is not a link', async () => {
    await runIn(workspace, 'mkdir nested; cd nested; echo inside > file.txt; echo x > x.log; echo "*.log" > .gitignore')
    await plantRepository('nested', '', ['file.txt'])
    const snapshot = await workspace.snapshot('nested')
    expect(snapshot.leftOut).toEqual(['nested/.git (a git directory of its own)'])
    await runIn(workspace, 'rm -rf nested')
    await workspace.restore(snapshot.commit)
    expect(await runIn(workspace, 'ls -A nested; cat nested/file.txt')).toBe('.gitignore\nfile.txt\ninside\n')
    expect((await workspace.proposal()).map(({ mode }) => mode)).toEqual(['100644', '100644'])
  })

  test('a nested repository in a folder that git knows', async () => {
    await plantRepository('sub-folder')
    await runIn(workspace, 'echo more >> sub-folder/c.txt; echo new > sub-folder/d.txt')
    expect((await workspace.proposal()).map(({ path }) => path)).toEqual(['sub-folder/c.txt', 'sub-folder/d.txt'])
    await useEveryVerb()
    expectNothingRan()
  })

  test('an embedded bare repository is a folder of files', async () => {
    await mkdir(join(workspace.root, 'bare'))
    await plainGit(join(workspace.root, 'bare'), 'init', '-q', '--bare', '.')
    await writeFile(join(workspace.root, 'bare/config'), `[core]\n bare = true\n fsmonitor = ${trap}\n`)
    await giveToAgent()
    await runIn(workspace, 'rm -rf bare/hooks')
    await useEveryVerb()
    expect((await workspace.proposal()).map(({ path }) => path)).toContain('bare/HEAD')
    expectNothingRan()
  })

  test('a submodule of the base commit, filled by the agent with a repository that has an fsmonitor', async () => {
    const sha = (await repository.git('rev-parse', 'main')).trim()
    const base = await commitWithSubmodule(
      sha,
      `[submodule "sub"]\n path = sub\n url = ext::${trap}\n ignore = none\n update = !${trap}\n`,
    )
    await workspace.close()
    workspace = await room.open(`run_sub${count}`, repository, { base: { sha: base } })
    expect(await readdir(join(workspace.root, 'sub'))).toEqual([])
    await runIn(workspace, 'echo hidden > sub/hidden.txt')
    await plantRepository('sub', configThatRuns(), ['hidden.txt'])
    await useEveryVerb()
    expect((await workspace.snapshot('sub')).leftOut).toEqual(['sub/ (inside a submodule)'])
    expect((await workspace.proposal()).map(({ path }) => path)).toEqual(['a.txt'])
    expectNothingRan()
  })

  const commitWithSubmodule = async (sha: string, modules: string): Promise<string> => {
    const file = join(room.folder, `modules-${count}`)
    await writeFile(file, modules)
    const blob = (await repository.git('hash-object', '-w', file)).trim()
    const before = await repository.git('ls-tree', sha)
    const lines = `${before}100644 blob ${blob}\t.gitmodules\n160000 commit ${sha}\tsub\n`
    const tree = execFileSync('git', ['-C', repository.gitDir, 'mktree'], { input: lines }).toString().trim()
    const commit = (await repository.git('commit-tree', tree, '-p', sha, '-m', 'with a submodule')).trim()
    await repository.git('update-ref', `refs/heads/submodule-${count}`, commit)
    return commit
  }
})

describe('names and addresses', () => {
  test.each(['.GIT', '.Git', 'git~1', '.git.', '.g\u200cit'])('a folder called %j is not recorded', async (name) => {
    await mkdir(join(workspace.root, 'x', name), { recursive: true })
    await writeFile(join(workspace.root, 'x', name, 'config'), configThatRuns())
    await giveToAgent()
    await runIn(workspace, 'echo fine > x/fine.txt')
    const { leftOut } = await workspace.snapshot('names')
    expect(leftOut.join()).toContain('x/')
    expect((await workspace.proposal()).map(({ path }) => path)).toEqual(['x/fine.txt'])
    await useEveryVerb()
    expectNothingRan()
  })

  test('files that are named like options are files', async () => {
    const names = [
      '--upload-pack=touch x',
      '-c',
      '--help',
      ':(exclude)a.txt',
      '"quoted"',
      'two\nlines',
      'tab\there',
      'ünïcode',
    ]
    for (const name of names) await writeFile(join(workspace.root, name), `${name}!`)
    expect((await workspace.proposal()).map(({ path }) => path).sort()).toEqual([...names].sort())
    await workspace.history.log({ limit: 1, path: '--output=x' })
    await useEveryVerb()
    expect((await workspace.proposal()).find(({ path }) => path === 'two\nlines')?.addedText).toBe('two\nlines!\n')
  })

  test.each(['-x', '--force', 'a..b', 'a b', 'HEAD', 'refs/heads/x.lock', '+main', 'a:b'])(
    'a branch called %j is refused',
    async (branch) => {
      const refused = branch === '+main' ? 'refs/heads/' : undefined
      const push = workspace.push({ commit: workspace.baseSha, branch, expected: null })
      if (refused) await push
      else await expect(push).rejects.toMatchObject({ code: 'invalid_input' })
    },
  )

  test.each(['--all', 'HEAD@{0}', 'main..x', ':/x', '$(id)'])('a commit called %j is refused', async (name) => {
    await expect(workspace.history.show(name)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(workspace.restore(name)).rejects.toMatchObject({ code: 'invalid_input' })
    await expect(workspace.push({ commit: name, branch: 'x', expected: null })).rejects.toMatchObject({
      code: 'invalid_input',
    })
  })

  test.each([
    'ext::sh -c "touch x"',
    'file:///etc',
    '/tmp',
    'git@example.com:x',
    'https://user:secret@example.com/x',
    '--upload-pack=x',
  ])('a repository at %j is refused', async (cloneUrl) => {
    const open = room.open('run_address', repository, { cloneUrl })
    await expect(open).rejects.toMatchObject({ code: 'invalid_input' })
  })

  test('alternates of the run lead to its mirror and cannot be reached from the work tree', async () => {
    await mkdir(join(workspace.root, 'objects/info'), { recursive: true })
    await writeFile(join(workspace.root, 'objects/info/alternates'), '/\n')
    await useEveryVerb()
    const own = join(room.folder, 'runs', workspace.runId, '1/git/objects/info/alternates')
    expect(await readFile(own, 'utf8')).toMatch(/mirrors\/acme-shop-[0-9a-f]{12}\.git\/objects\n$/)
    expect(await readdir(workspace.root)).not.toContain('.git')
  })

  test('the credential is in no file and in no argument', async () => {
    await useEveryVerb()
    const encoded = Buffer.from('x-access-token:tok3n-of-this-test').toString('base64')
    for (const text of ['tok3n-of-this-test', encoded]) {
      const found = execFileSync('bash', ['-c', `grep -rlF -- "$1" "$2" || true`, 'grep', text, room.folder]).toString()
      expect(found).toBe('')
    }
  })

  test('a link out of the work tree is recorded as a link and never followed', async () => {
    await runIn(workspace, 'ln -s /etc/passwd passwd; ln -s /etc folder; rm -rf sub-folder; ln -s /etc sub-folder')
    const proposal = await workspace.proposal()
    expect(proposal.map(({ path, mode, addedText }) => [path, mode, addedText])).toEqual([
      ['folder', '120000', '/etc\n'],
      ['passwd', '120000', '/etc/passwd\n'],
      ['sub-folder', '120000', '/etc\n'],
      ['sub-folder/c.txt', null, ''],
    ])
    const { commit } = await workspace.snapshot('links')
    await runIn(workspace, 'rm folder && mkdir folder && echo x > folder/passwd')
    await workspace.restore(commit)
    expect(await runIn(workspace, 'readlink folder sub-folder')).toBe('/etc\n/etc\n')
  })
})
