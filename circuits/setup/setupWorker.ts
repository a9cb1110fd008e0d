/**
 * The worker thread of the development set-up. It answers two kinds of task: the scalars of a key, and multiples of a
 * generator. It runs from dist/ only; the pool (pointPool.ts) starts it and gives it the curve's WebAssembly code, because
 * ffjavascript cannot be loaded in a worker thread.
 */
import { readFileSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { type CurveCode, FixedBase, type GroupName } from './fixedBase.js';
import { type KeyScalars, keyScalars } from './qap.js';
import type { ToxicWaste } from './toxicWaste.js';

export type SetupTask =
  | { readonly kind: 'scalars'; readonly r1csPath: string; readonly waste: ToxicWaste }
  | { readonly kind: 'points'; readonly group: GroupName; readonly scalars: Uint8Array };

export type SetupReply = { readonly scalars: KeyScalars } | { readonly points: Uint8Array } | { readonly error: unknown };

const curve = workerData as CurveCode;
const tables = new Map<GroupName, Promise<FixedBase>>();

parentPort?.on('message', (task: SetupTask) => {
  perform(task).then(
    (reply) => parentPort?.postMessage(reply, transferable(reply)),
    (error: unknown) => parentPort?.postMessage({ error } satisfies SetupReply),
  );
});

async function perform(task: SetupTask): Promise<SetupReply> {
  if (task.kind === 'scalars') {
    return { scalars: await keyScalars(readFileSync(task.r1csPath), task.waste, curve.code) };
  }
  let table = tables.get(task.group);
  if (table === undefined) {
    table = FixedBase.create(curve, task.group);
    tables.set(task.group, table);
  }
  return { points: (await table).multiply(task.scalars) };
}

function transferable(reply: SetupReply): ArrayBuffer[] {
  if ('points' in reply) return [reply.points.buffer as ArrayBuffer];
  if ('scalars' in reply)
    return Object.values(reply.scalars).flatMap((value) => (value instanceof Uint8Array ? [value.buffer as ArrayBuffer] : []));
  return [];
}
