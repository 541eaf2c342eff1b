import { developmentRole } from '../agents/development/development-role.ts'
import { developmentVariables } from '../agents/development/prompt-variables.ts'
import { toImplementation } from '../agents/development/to-implementation.ts'
import type { AgentRole as LoopRole } from '../agents/role.ts'
import type { AgentRole as EngineRole } from '../workflow/engine/execution.ts'

/** The roles that ship, as the loop and as the engine see them. */
export const loopRoles: LoopRole[] = [developmentRole]

export const engineRoles: Record<string, EngineRole> = {
  [developmentRole.name]: {
    name: developmentRole.name,
    systemTemplate: `prompts/${developmentRole.systemTemplate}`,
    promptVariables: developmentVariables,
    toResult: toImplementation,
  },
}
