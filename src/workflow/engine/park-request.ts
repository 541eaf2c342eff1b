/** Thrown through the engine when a run should wait without a worker. Never leaves it, never stands in a row. */
export class ParkRequest {
  readonly afterSeconds: number

  constructor(afterSeconds: number) {
    this.afterSeconds = afterSeconds
  }
}
