/** Thrown through the engine when a run should wait without a worker. Never leaves it, never stands in a row. */
export class ParkRequest {
  private readonly at: number

  constructor(afterSeconds: number) {
    this.at = performance.now() + afterSeconds * 1000
  }

  /** From now on. */
  get afterSeconds(): number {
    return Math.max(0, (this.at - performance.now()) / 1000)
  }
}
