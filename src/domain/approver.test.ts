import { describe, expect, it } from 'vitest'
import { type Access, mayAnswer, readApprover } from './approver.ts'

const alice = { login: 'Alice', id: '7', isBot: false }
const may = (approvers: string[], access: Access, actor = alice, asker = { id: '99' }) =>
  mayAnswer(approvers, { actor, access, asker }).now

describe('who may answer', () => {
  it.each<[string[], Access, boolean]>([
    [['role:write'], 'write', true],
    [['role:write'], 'admin', true],
    [['role:write'], 'triage', false],
    [['role:read'], 'read', true],
    [['role:read'], 'none', false],
    [['role:maintain'], 'write', false],
    [['alice'], 'none', true],
    [['@ALICE'], 'none', true],
    [['alice#7'], 'none', true],
    [['alice#8'], 'none', false],
    [['bob', 'role:admin'], 'write', false],
    [['bob', 'role:write'], 'write', true],
    [['not:asker'], 'write', true],
    [['not:asker'], 'read', false],
    [[], 'write', true],
    [['role:owner'], 'admin', false],
    [['role:owner', 'not:asker'], 'admin', false],
    [['team:acme/leads'], 'admin', false],
  ])('%j, by someone with %s access: %s', (approvers, access, expected) => {
    expect(may(approvers, access)).toBe(expected)
  })

  it('is never a bot, and not whoever asked where that is excluded', () => {
    expect(may(['alice', 'role:write'], 'admin', { ...alice, isBot: true })).toBe(false)
    expect(may(['role:write'], 'write', alice, { id: '7' })).toBe(true)
    expect(may(['role:write', 'not:asker'], 'write', alice, { id: '7' })).toBe(false)
    expect(may(['alice', 'not:asker'], 'write', alice, { id: '7' })).toBe(false)
  })

  it('names the teams that are to be asked, but for whoever is excluded', () => {
    const who = { actor: alice, access: 'none' as const, asker: { id: '99' } }
    expect(mayAnswer(['team:acme/leads', 'team:acme/x.y'], who).ifMemberOf).toEqual(['acme/leads', 'acme/x.y'])
    expect(mayAnswer(['team:acme/leads', 'not:asker'], { ...who, asker: alice }).ifMemberOf).toEqual([])
  })

  it.each(['', 'role:', 'team:acme', 'team:a/b/c', 'a b', 'alice#x', 'not:bob', '@'])('%j is nobody', (text) => {
    expect(readApprover(text)).toBeNull()
  })
})
