/** Who waits for what programs write to rings: asked after every batch whether it is to be woken, as epoll wakes a process. */
export interface Sleeper {
  /** Looks at the rings; true when somebody was woken. */
  wake(): boolean;
}

export class Wakeups {
  private readonly sleepers = new Set<Sleeper>();
  private woken = false;

  /** Whether anybody reads. */
  get any(): boolean {
    return this.sleepers.size > 0;
  }

  add(sleeper: Sleeper): void {
    this.sleepers.add(sleeper);
  }

  delete(sleeper: Sleeper): void {
    this.sleepers.delete(sleeper);
  }

  /** No program runs now. */
  run(): void {
    for (const sleeper of this.sleepers) if (sleeper.wake()) this.woken = true;
  }

  /** Whether readers were woken since the last time this was asked: what runs batches lets them have their turn. */
  take(): boolean {
    const { woken } = this;
    this.woken = false;
    return woken;
  }
}
