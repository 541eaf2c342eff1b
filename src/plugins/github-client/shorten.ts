/** GitHub's limits, in characters. */
export const maxTitle = 256
export const maxBody = 65_536

export const shortenTitle = (title: string): string => {
  const line = title.replace(/\s+/g, ' ').trim()
  return line.length <= maxTitle ? line : `${cutAt(line, maxTitle - 1)}…`
}

const hiddenMarker = /<!-- journeyman:[^<>\n]{1,300} -->/g

/**
 * A text within GitHub's limit. One that is longer ends with a line that says so; our hidden markers are kept wherever
 * they stood, since by them a comment is found again.
 */
export const shortenBody = (body: string): string => {
  if (body.length <= maxBody) return body
  const notice = `\n\n*Shortened: GitHub takes ${maxBody.toLocaleString('en')} characters, and this had ${body.length.toLocaleString('en')}.*`
  const markers = [...new Set(body.match(hiddenMarker) ?? [])].slice(0, 5)
  const room = maxBody - notice.length - markers.reduce((sum, marker) => sum + marker.length + 1, 0)
  const kept = cutAt(body, room)
  const lostMarkers = markers.filter((marker) => !kept.includes(marker))
  return [kept + notice, ...lostMarkers].join('\n')
}

/** Not in the middle of a character, and at the end of a line where one is near. */
const cutAt = (text: string, length: number): string => {
  const cut = text.slice(0, length).replace(/[\uD800-\uDBFF]$/, '')
  const line = cut.lastIndexOf('\n')
  return line > length - 1000 && line > 0 ? cut.slice(0, line) : cut
}
