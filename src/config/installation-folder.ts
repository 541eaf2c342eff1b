import { fileURLToPath } from 'node:url'

/** The folder of this installation: its journeyman.yaml, prices.yaml, migrations, workflows and prompts lie there. */
export const installationFolder = (): string => fileURLToPath(new URL('../..', import.meta.url)).replace(/[/\\]$/, '')
