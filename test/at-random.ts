import fc from 'fast-check'

/**
 * fast-check, with the same seed every time: what passed yesterday passes today, and a change is judged by itself. To look
 * for more, `PROPERTY_SEED=any PROPERTY_TIMES=50 npx vitest run FILE`; a property that fails prints its seed.
 */
const asked = process.env['PROPERTY_SEED'] ?? '20261120'
fc.configureGlobal({ ...fc.readConfigureGlobal(), ...(asked !== 'any' && { seed: Number(asked) }) })

/** How often a property is tried. */
export const times = (runs: number): number => Math.ceil(runs * Number(process.env['PROPERTY_TIMES'] ?? 1))

export { fc }
