/**
 * What a command is answered with on behalf of a run: a thumb on its comment, or words that are said once for each `key`,
 * whoever gives the command.
 */
export type Answer = 'thumb' | { key: string; text: string }
