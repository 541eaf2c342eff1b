import { describe, inject } from 'vitest'
import { openHouse } from './house.ts'
import { itSurvivesKillsAt, killPoints } from './kill.ts'

describe.skipIf(inject('templates').postgresUrl === null)('a killed worker (postgres)', () => {
  itSurvivesKillsAt((options) => openHouse('postgres', options), killPoints)
})
