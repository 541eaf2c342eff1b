import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAppAuth } from '@octokit/auth-app'
import { Octokit } from '@octokit/rest'
import type { World, WorldRepository } from './contract.ts'
import { startWorld } from './start-world.ts'

/** What the tests of this room begin with: a world with one repository, and the vendor's own client for it. */
export type TestWorld = {
  world: World
  repository: WorldRepository
  octokit: Octokit
  asApp: Octokit
  installation: number
  close: () => Promise<void>
}

export const acmeShop = { owner: 'acme', repo: 'shop' }

export const openTestWorld = async (options: { validate?: boolean } = {}): Promise<TestWorld> => {
  const folder = await mkdtemp(join(tmpdir(), 'journeyman-world-'))
  const world = await startWorld({ folder, ...options })
  const repository = await world.github.createRepository('acme/shop', {
    'README.md': '# Shop\n',
    'src/a.js': 'let a = 1\n',
  })
  const asApp = appClient(world)
  const { data } = await asApp.rest.apps.getRepoInstallation(acmeShop)
  const close = async (): Promise<void> => {
    await world.close()
    await rm(folder, { recursive: true })
  }
  return { world, repository, asApp, octokit: appClient(world, data.id), installation: data.id, close }
}

/** The app itself, or one of its installations. */
export const appClient = (world: World, installationId?: number): Octokit => {
  const { app, apiUrl } = world.github
  const credentials = { appId: app.id, privateKey: app.privateKey }
  const auth = installationId === undefined ? credentials : { ...credentials, installationId }
  return new Octokit({ baseUrl: apiUrl, authStrategy: createAppAuth, auth, log: silent })
}

/** A client that holds one token, as it was given out. */
export const tokenClient = (world: World, token: string): Octokit =>
  new Octokit({ baseUrl: world.github.apiUrl, auth: token, log: silent })

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
