/**
 * The few most recently used things of a kind, each made once. What newer ones push out is let go of when nobody uses it
 * any more; what has become unusable is made anew for the next one who asks.
 */
interface Resident<T> {
  readonly thing: Promise<T>;
  users: number;
}

export class Residents<T> {
  readonly #limit: number;
  readonly #release: (thing: T) => Promise<void>;
  readonly #isUsable: (thing: T) => boolean;
  /** The one that was asked for last stands last. */
  readonly #kept = new Map<string, Resident<T>>();

  constructor(limit: number, release: (thing: T) => Promise<void>, isUsable: (thing: T) => boolean = () => true) {
    this.#limit = limit;
    this.#release = release;
    this.#isUsable = isUsable;
  }

  /** Works with the thing of this name, made by `make` where it is not there. A failed making is not remembered. */
  async use<R>(name: string, make: () => Promise<T>, work: (thing: T) => Promise<R>): Promise<R> {
    const known = this.#kept.get(name);
    if (known && !(await this.#isGood(known))) await this.#letGo(name, known);
    const resident = this.#kept.get(name) ?? { thing: make(), users: 0 };
    this.#kept.delete(name); // put back as the newest
    this.#kept.set(name, resident);
    resident.users++;
    try {
      const thing = await resident.thing;
      await this.#trim();
      return await work(thing);
    } finally {
      resident.users--;
      if (await this.#isGood(resident)) await this.#trim();
      else await this.#letGo(name, resident);
    }
  }

  /** Lets go of everything, also of what is in use. */
  async clear(): Promise<void> {
    for (const [name, resident] of [...this.#kept]) await this.#letGo(name, resident);
  }

  async #isGood({ thing }: Resident<T>): Promise<boolean> {
    return thing.then(this.#isUsable, () => false);
  }

  /** The oldest of those that nobody uses go, down to the limit. */
  async #trim(): Promise<void> {
    const idle = [...this.#kept].filter(([, { users }]) => users === 0);
    for (const [name, resident] of idle.slice(0, Math.max(0, this.#kept.size - this.#limit))) await this.#letGo(name, resident);
  }

  async #letGo(name: string, resident: Resident<T>): Promise<void> {
    if (this.#kept.get(name) !== resident) return;
    this.#kept.delete(name);
    const made = await resident.thing.catch(() => undefined);
    if (made !== undefined) await this.#release(made);
  }
}
