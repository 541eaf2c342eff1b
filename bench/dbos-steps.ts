import type { Measurement, Result } from './measurement.ts'
import type { Bench, Place } from './open-bench.ts'
import { startDbos } from './start-dbos.ts'
import { startOurEngine } from './start-our-engine.ts'
import { median, timed } from './statistics.ts'
import { actingWorkflow, trivialWorkflow } from './trivial-runs.ts'

/**
 * Journalled steps a second, beside the same work on DBOS: steps in sequence that give back a small object, from the start of
 * a run to its result, so that what a run costs beside its steps counts on both sides. Two kinds. Steps that only compute:
 * the engine does not wait for the row of one before it goes on to the next, though nothing is seen outside before they are
 * committed. Steps that act: here the beginning is committed before, and the end before the next one begins; DBOS, which
 * cannot know what a step does, commits the end of each and waits for it. Both in this process, each with a database of
 * its own on one PostgreSQL, as many connections, in turns, after a warm-up; what acts also where each commit is synced
 * to disk. Compared is the median of the ratios of neighbours.
 */
export const dbosSteps: Measurement = {
  name: 'dbos-steps',
  measure: async (bench) => {
    const results: Result[] = []
    for (const durable of [false, true]) {
      const place = await bench.place('postgres', { durable })
      if (place) results.push(...(await compare(bench, place, durable)))
      await bench.tidy()
    }
    return [...results, ...(await oursOnPglite(bench))]
  },
}

const poolSize = 10

type Way = { title: string; runs: number; steps: number; source: string; acts: boolean }

const wayOf = (acts: boolean, runs: number, steps: number): Way => ({
  title: `${acts ? 'steps that act' : 'steps that only compute'}, ${runs === 1 ? 'one run alone' : `${runs} runs at once`}`,
  runs,
  steps,
  source: acts ? actingWorkflow(steps) : trivialWorkflow(steps),
  acts,
})

const ways = [wayOf(false, 1, 200), wayOf(false, 10, 100), wayOf(true, 1, 100), wayOf(true, 10, 50)]

type Rates = { ours: number[]; theirs: number[] }

const compare = async (bench: Bench, place: Place, durable: boolean): Promise<Result[]> => {
  const ours = await startOurEngine(bench, place, poolSize)
  const theirs = await startDbos({ url: `${place.url}_dbos`, poolSize })
  bench.after(theirs.close)
  const taken = ways.filter(({ acts }) => acts || !durable)
  const rates = new Map<Way, Rates>(taken.map((way) => [way, { ours: [], theirs: [] }]))
  for (let round = -1; round < bench.rounds(durable ? 4 : 8); round++) {
    for (const [way, found] of rates) {
      const rate = {
        ours: await rateOf(way, () => ours.run(way.source)),
        theirs: await rateOf(way, () => theirs.run(way.steps)),
      }
      await ours.requireSteps(way.steps)
      if (round < 0) continue
      found.ours.push(rate.ours)
      found.theirs.push(rate.theirs)
    }
  }
  const where = durable ? 'PostgreSQL, each commit synced to disk' : 'PostgreSQL'
  return [...rates].map(([way, found]) => resultOf(way, found, where))
}

const resultOf = ({ title, runs, steps }: Way, { ours, theirs }: Rates, where: string): Result => ({
  name: `journalled over DBOS: ${title}, ${where}`,
  value: median(ours.map((value, round) => value / (theirs[round] ?? Number.NaN))),
  unit: '×',
  floor: 3,
  goal: 3,
  better: 'higher',
  note: `${Math.round(median(ours)).toLocaleString('en')} /s, DBOS ${Math.round(median(theirs)).toLocaleString('en')} /s; ${ours.length} rounds of ${runs} × ${steps} steps`,
})

const rateOf = async ({ runs, steps }: Way, run: () => Promise<void>): Promise<number> => {
  const ms = await timed(() => Promise.all(Array.from({ length: runs }, run)))
  return (runs * steps * 1_000) / ms
}

/** DBOS for Node has no embedded database; this is for whoever asks what ours costs. */
const oursOnPglite = async (bench: Bench): Promise<Result[]> => {
  const place = await bench.place('pglite')
  if (!place) return []
  const ours = await startOurEngine(bench, place, poolSize)
  const results: Result[] = []
  for (const way of ways.filter(({ runs }) => runs === 1)) {
    const rates: number[] = []
    for (let round = -1; round < bench.rounds(4); round++) {
      const rate = await rateOf(way, () => ours.run(way.source))
      await ours.requireSteps(way.steps)
      if (round >= 0) rates.push(rate)
    }
    const name = `journalled: ${way.title}, PGlite`
    const note = 'the database in a thread of the same process'
    results.push({ name, value: median(rates), unit: '/s', floor: null, goal: null, better: 'higher', note })
  }
  return results
}
