/** What somebody said to us in a comment: `/ai <command> [arguments]` at the very start of a line. */
export type Command = { command: string; arguments: string }

/** A comment may hold a few; more is a mistake or an attack. */
const maxCommands = 5
const maxArgumentCharacters = 2000

/**
 * Commands in the order in which they stand. What is quoted or stands in a code block is somebody else's text, or an
 * example, and is left alone. A bare `/ai` asks for help. Arguments are the rest of the line, as they are.
 */
export const findCommands = (text: string): Command[] => {
  const commands: Command[] = []
  let fence: string | null = null
  for (const line of text.split(/\r\n|[\r\n\u2028\u2029]/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line)
    if (mark) fence = nextFence(fence, mark[1] as string, mark[2] as string)
    else if (fence === null && (line === '/ai' || /^\/ai[ \t]/.test(line))) commands.push(commandOf(line))
    if (commands.length === maxCommands) break
  }
  return commands
}

/** A fence is closed by one of its own kind, at least as long and with nothing behind it. */
const nextFence = (open: string | null, mark: string, rest: string): string | null => {
  if (open === null) return mark
  const closes = mark[0] === open[0] && mark.length >= open.length && rest.trim() === ''
  return closes ? null : open
}

const commandOf = (line: string): Command => {
  const said = line.slice('/ai'.length).trim()
  const end = said.search(/\s/)
  const [name, rest] = end === -1 ? [said, ''] : [said.slice(0, end), said.slice(end + 1)]
  const command = name === '' ? 'help' : name.toLowerCase().slice(0, 50)
  return { command, arguments: rest.trim().slice(0, maxArgumentCharacters) }
}
