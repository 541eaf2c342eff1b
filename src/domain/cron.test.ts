import { describe, expect, it } from 'vitest'
import { lastDue, parseCron } from './cron.ts'

const at = (text: string): Date => new Date(`${text}Z`)
const due = (schedule: string, after: string, now: string): string | null =>
  lastDue(parseCron(schedule), at(after), at(now))?.toISOString().slice(0, 16) ?? null

describe('a schedule', () => {
  it.each([
    // 2027-03-01 is a Monday.
    ['0 6 * * 1', '2027-03-01T06:00', true],
    ['0 6 * * mon', '2027-03-01T06:00:59', true],
    ['0 6 * * mon', '2027-03-02T06:00', false],
    ['0 6 * * MON-FRI', '2027-03-05T06:00', true],
    ['0 6 * * mon-fri', '2027-03-06T06:00', false],
    ['*/15 8-18/2 * * *', '2027-03-06T10:45', true],
    ['*/15 8-18/2 * * *', '2027-03-06T09:45', false],
    ['5/20 * * * *', '2027-03-06T09:45', true],
    ['0,30 0 1 jan,Jul *', '2027-07-01T00:30', true],
    ['0 0 * * 7', '2027-03-07T00:00', true],
    ['0 0 * * 0', '2027-03-07T00:00', true],
    ['0 0 29 2 *', '2028-02-29T00:00', true],
    // Both days restricted: either is enough. With a star in one, both must hold.
    ['0 0 13 * fri', '2027-03-13T00:00', true],
    ['0 0 13 * fri', '2027-03-12T00:00', true],
    ['0 0 13 * *', '2027-03-12T00:00', false],
    ['0 0 */2 * fri', '2027-03-12T00:00', false],
  ])('%s: %s is due: %s', (schedule, now, isDue) => {
    const minuteBefore = new Date(at(now).getTime() - 60_000)
    expect(lastDue(parseCron(schedule), minuteBefore, at(now)) !== null).toBe(isDue)
  })

  it('that was missed is due once: the last time that it should have been', () => {
    expect(due('*/10 * * * *', '2027-03-01T06:00', '2027-03-01T09:14')).toBe('2027-03-01T09:10')
  })

  it('is due in no minute that was before, or that is still to come', () => {
    expect(due('0 6 * * *', '2027-03-01T06:00', '2027-03-01T06:00')).toBe(null)
    expect(due('0 6 * * *', '2027-03-01T06:00', '2027-03-01T05:00')).toBe(null)
    expect(due('0 6 * * *', '2027-03-01T06:00', '2027-03-02T05:59:59')).toBe(null)
  })
})

describe('what is no schedule', () => {
  it.each([
    ['0 6 * *', 'here are 4'],
    ['', 'here are none'],
    ['60 6 * * *', '60 is no minute: it goes from 0 to 59'],
    ['0 24 * * *', '24 is no hour'],
    ['0 6 0 * *', '0 is no day of the month'],
    ['0 6 * 13 *', '13 is no month'],
    ['0 6 * * 8', '8 is no day of the week'],
    ['0 6 * * monday', '"monday" is no day of the week'],
    ['0 6 * mon *', '"mon" is no month'],
    ['0 6 * * fri-mon', 'goes backwards'],
    ['*/0 6 * * *', 'the step of "*/0" is 0'],
    ['a-b-c 6 * * *', '"a-b-c" is no minute'],
    ['1,,2 6 * * *', '"" is no minute'],
    ['-1 6 * * *', '"-1" is no minute'],
    ['0 0 30 2 *', 'it never comes'],
    ['0 0 31 feb,apr *', 'it never comes'],
  ])('"%s" is refused: %s', (schedule, why) => {
    expect(() => parseCron(schedule)).toThrow(why)
  })
})
