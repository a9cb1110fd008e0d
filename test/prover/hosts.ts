/**
 * Hosts for tests: network namespaces of this machine, each with an address of its own, joined to a first one by a pair of virtual
 * Ethernet devices. What runs in one reaches the others by real sockets only, and a link can be taken down under them.
 *
 * Needs root and Linux. Names carry the process id, so that two runs on one machine do not meet.
 */
import { type ChildProcess, execFile, execFileSync, type SpawnOptions, spawn } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Host {
  readonly name: string;
  /** As the hub sees it; the hub's own is another on each link. */
  readonly address: string;
  /** The hub, as this host sees it. */
  readonly hubAddress: string;
  spawn(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Takes its link down: nothing leaves, nothing arrives, and nobody is told. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export interface Hosts {
  readonly hub: Pick<Host, 'name' | 'spawn'>;
  readonly others: readonly Host[];
  /** Removes the namespaces; what still runs in one goes on without a network. */
  close(): Promise<void>;
}

/** @returns why this machine cannot have hosts, or the hosts */
export async function makeHosts(count: number): Promise<Hosts | string> {
  const names = Array.from({ length: count + 1 }, (_, i) => `tacit-${process.pid}-${i}`);
  const made: string[] = [];
  const removeAll = (): void => {
    for (const name of made.splice(0)) execFileSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  };
  try {
    for (const name of names) {
      await run('ip', ['netns', 'add', name]);
      made.push(name);
      await run('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    }
    const [hub, ...rest] = names as [string, ...string[]];
    const others = await Promise.all(rest.map((name, i) => join(hub, name, i)));
    process.once('exit', removeAll);
    const close = async (): Promise<void> => {
      process.off('exit', removeAll);
      removeAll();
    };
    return { hub: { name: hub, spawn: spawnIn(hub) }, others, close };
  } catch (error) {
    removeAll();
    return `this machine cannot make network namespaces: ${(error as Error).message.trim().split('\n').at(-1)}`;
  }
}

async function join(hub: string, name: string, index: number): Promise<Host> {
  const [device, hubAddress, address] = [`host${index}`, `10.99.${index}.1`, `10.99.${index}.2`];
  await run('ip', ['-n', hub, 'link', 'add', device, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name]);
  for (const [namespace, end, own] of [
    [hub, device, hubAddress],
    [name, 'eth0', address],
  ] as const) {
    await run('ip', ['-n', namespace, 'address', 'add', `${own}/30`, 'dev', end]);
    await run('ip', ['-n', namespace, 'link', 'set', end, 'up']);
  }
  const link = async (state: 'up' | 'down') => void (await run('ip', ['-n', hub, 'link', 'set', device, state]));
  return { name, address, hubAddress, spawn: spawnIn(name), cut: () => link('down'), mend: () => link('up') };
}

/** `ip netns exec` becomes the program: pipes and the channel to the parent go through. */
function spawnIn(name: string): Host['spawn'] {
  return (program, args, options = {}) => spawn('ip', ['netns', 'exec', name, program, ...args], options);
}
