import { describe, expect, it } from 'vitest';
import { Residents } from '../../prover/residents.js';

interface Thing {
  readonly name: string;
  usable: boolean;
}

function residents(limit: number) {
  const [made, released]: [string[], string[]] = [[], []];
  const things = new Residents<Thing>(
    limit,
    async ({ name }) => {
      released.push(name);
    },
    ({ usable }) => usable,
  );
  const use = <R>(name: string, work: (thing: Thing) => Promise<R> | R): Promise<R> =>
    things.use(
      name,
      async () => {
        made.push(name);
        return { name, usable: true };
      },
      async (thing) => work(thing),
    );
  return { things, made, released, use };
}

/** A promise, and what resolves it. */
function gate(): { passed: Promise<void>; open: () => void } {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

describe('residents', () => {
  it('makes a thing once, and lets the one go that was used longest ago', async () => {
    const { made, released, use } = residents(2);
    for (const name of ['a', 'b', 'a', 'c', 'a']) expect(await use(name, (thing) => thing.name)).toBe(name);
    expect([made, released]).toEqual([['a', 'b', 'c'], ['b']]);
  });

  it('lets nothing go while it is in use', async () => {
    const { released, use } = residents(1);
    const { passed, open } = gate();
    const long = use('a', () => passed);
    await use('b', () => {});
    expect(released).toEqual(['b']);
    open();
    await long;
    await use('c', () => {});
    expect(released).toEqual(['b', 'a']);
  });

  it('makes anew what has become unusable, whether its user failed or not', async () => {
    const { made, released, use } = residents(2);
    const breaking = use('a', (thing) => {
      thing.usable = false;
      throw new Error('it broke');
    });
    await expect(breaking).rejects.toThrow('it broke');
    expect(released).toEqual(['a']);
    await use('a', (thing) => {
      thing.usable = false;
    });
    await use('a', () => {});
    expect([made, released]).toEqual([
      ['a', 'a', 'a'],
      ['a', 'a'],
    ]);
  });

  it('does not remember a failed making', async () => {
    const { things, use, released } = residents(2);
    const failing = things.use(
      'a',
      () => Promise.reject(new Error('no such file')),
      async () => {},
    );
    await expect(failing).rejects.toThrow('no such file');
    expect(await use('a', (thing) => thing.name)).toBe('a');
    expect(released).toEqual([]);
  });

  it('clears what is in use too', async () => {
    const { things, released, use } = residents(2);
    const { passed, open } = gate();
    const long = use('a', () => passed);
    await use('b', () => {});
    await things.clear();
    expect(released.sort()).toEqual(['a', 'b']);
    open();
    await long;
    expect(released).toHaveLength(2);
  });
});
