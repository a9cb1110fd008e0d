/** The few most recently used things of a kind, each made once and let go of when newer ones push it out. */
export class Residents<T> {
  readonly #limit: number;
  readonly #release: (thing: T) => Promise<void>;
  readonly #things = new Map<string, Promise<T>>();

  constructor(limit: number, release: (thing: T) => Promise<void>) {
    this.#limit = limit;
    this.#release = release;
  }

  /** The thing of this name, made by `make` where it is not there. A failed making is not remembered. */
  async take(name: string, make: () => Promise<T>): Promise<T> {
    const thing = this.#things.get(name) ?? make();
    this.#things.delete(name); // put back as the newest
    this.#things.set(name, thing);
    try {
      await thing;
    } catch (error) {
      if (this.#things.get(name) === thing) this.#things.delete(name);
      throw error;
    }
    await this.#letGo(this.#limit);
    return thing;
  }

  async clear(): Promise<void> {
    await this.#letGo(0);
  }

  async #letGo(keep: number): Promise<void> {
    for (const [name, thing] of [...this.#things].slice(0, Math.max(0, this.#things.size - keep))) {
      this.#things.delete(name);
      const made = await thing.catch(() => undefined);
      if (made !== undefined) await this.#release(made);
    }
  }
}
