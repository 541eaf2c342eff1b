/** GitHub tells times in whole seconds. */
export const renderTime = (time: Date): string => `${time.toISOString().slice(0, 19)}Z`

export const nodeId = (kind: string, id: number | string): string =>
  `${kind}_${Buffer.from(`world:${id}`).toString('base64url')}`
