import { describe } from 'vitest'
import { openHouse } from './house.ts'
import { itSurvivesKillsAt, killPoints } from './kill.ts'

describe('a killed worker (pglite)', () => {
  itSurvivesKillsAt((options) => openHouse('pglite', options), killPoints)
})
