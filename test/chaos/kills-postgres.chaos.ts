import { describe } from 'vitest'
import { itSurvivesEverything } from './kills.ts'

describe('kills on postgres', () => {
  itSurvivesEverything('postgres')
})
