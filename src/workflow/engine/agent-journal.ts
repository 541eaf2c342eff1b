import type { AgentJournal, AgentOpening, ToolResult, Turn } from '../../agents/contract.ts'
import { crashPoint } from '../../domain/crash-point.ts'
import { JourneymanError } from '../../domain/errors.ts'
import type { ModelResponse } from '../../plugins/ai-provider/contract.ts'
import { insertTurn, openConversation, type TurnRow, updateTurn } from '../../store/agent-turns.ts'
import { assertClaim } from '../../store/claimed.ts'
import type { Execution } from './execution.ts'

/** The agent's journal and purse, over the rows of a step's conversation. */
export const createAgentJournal = (
  execution: Execution,
  at: { address: string; role: string },
): AgentJournal & { agentId: () => string } => {
  const { claim, parts } = execution
  const { db } = parts.database
  let opened: string | null = null
  const agentId = (): string => {
    if (opened === null) throw new JourneymanError('internal', 'The conversation is used before it is opened.')
    return opened
  }

  return {
    agentId,
    open: async (opening, model) => {
      const found = await openConversation(db, claim, { ...at, model, request: opening })
      opened = found.agentId
      return { opening: found.request as AgentOpening, turns: found.turns.map(turnOf) }
    },
    reserve: async (call) => {
      const { monthlyCap } = parts.settings()
      const reserved = await parts.money.reserve(claim, {
        address: at.address,
        agentId: agentId(),
        turn: call.ordinal,
        model: call.model,
        inputTokens: call.inputTokens,
        maxOutputTokens: call.maxOutputTokens,
        runCap: execution.run.costCap,
        monthlyCap,
      })
      // The call is made next. What was reserved stays charged, as if it had been made: nobody could tell.
      execution.guard.assertInTime?.()
      return reserved
    },
    answered: async (ordinal, response, reservation) => {
      crashPoint('settle.before')
      const settled = await db.transaction().execute(async (tx) => {
        await assertClaim(tx, claim)
        const { cost, usage } = await parts.money.settle(tx, reservation.id, response.model, response.usage)
        await insertTurn(tx, {
          agentId: agentId(),
          ordinal,
          model: response.model,
          response: kept(response),
          usage,
          cost,
        })
        return { cost, usage }
      })
      crashPoint('settle.after')
      return settled
    },
    gaveNothing: (reservation, charge, note) =>
      charge === 'free'
        ? parts.money.free(claim, reservation.id, note)
        : parts.money.forfeit(claim, reservation.id, note),
    toolsDone: (ordinal, results) => updateTurn(db, claim, agentId(), ordinal, { results }),
    snapshotTaken: (ordinal, commit) => updateTurn(db, claim, agentId(), ordinal, { snapshot: commit }),
    activity: (text) => execution.journal.activity(at.address, text),
  }
}

type Kept = Pick<ModelResponse, 'content' | 'stopReason'>

const kept = (response: ModelResponse): Kept => ({ content: response.content, stopReason: response.stopReason })

const turnOf = (row: TurnRow): Turn => {
  const response = row.response as Kept
  return {
    ordinal: row.ordinal,
    model: row.model,
    content: response.content,
    stopReason: response.stopReason,
    results: row.tool_results as ToolResult[] | null,
    snapshot: row.snapshot,
    usage: row.usage,
    cost: row.cost,
  }
}
