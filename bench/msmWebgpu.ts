/**
 * `npm run bench -- msm-webgpu [--json] [--from 12] [--to 20] [--threads n] [--runs 3]`
 *
 * Sums of 2^from … 2^to bases on the adapter that npm `webgpu` finds, against the engine's threads. A software adapter is
 * named as such, ends at 2^14 unless --to says otherwise, and gives no ratio: it computes on the same processor.
 * `npm run bench -- msm-page [--port n]` serves the page that does the same in a browser.
 */
import { availableParallelism, cpus } from 'node:os';
import { openGpu } from '../prover/engine/webgpu/device.js';
import { commit } from './commit.js';
import { type MsmOptions, type MsmReport, type MsmRow, measureMsm, sumPhases } from './msmRows.js';
import { numberOption } from './options.js';
import { serveBenchPage } from './page/server.js';
import { NO_ADAPTER, SOFTWARE_NOTE } from './webgpuAdapter.js';

const DEFAULT_FROM = 12;
const DEFAULT_TO = { hardware: 20, software: 14 } as const;
const DEFAULT_RUNS = 3;
const LARGEST_POWER = 24;

export async function benchMsmWebgpu(args: string[]): Promise<void> {
  const gpu = await openGpu();
  if (!gpu) {
    process.stderr.write(NO_ADAPTER);
    process.exitCode = 2;
    return;
  }
  const json = args.includes('--json');
  const options: MsmOptions = {
    from: numberOption(args, '--from', DEFAULT_FROM, LARGEST_POWER),
    to: numberOption(args, '--to', DEFAULT_TO[gpu.facts.software ? 'software' : 'hardware'], LARGEST_POWER),
    threads: Math.max(1, numberOption(args, '--threads', availableParallelism(), 64)),
    runs: Math.max(1, numberOption(args, '--runs', DEFAULT_RUNS, 1000)),
  };
  try {
    if (!json) process.stdout.write(`${headline(gpu.facts)}\n`);
    const report = await measureMsm(gpu, options, (row) => json || process.stdout.write(`${describe(row)}\n`));
    if (json) process.stdout.write(`${JSON.stringify(result(report), null, 1)}\n`);
  } finally {
    gpu.close();
  }
}

function result(report: MsmReport): object {
  const note = report.adapter.software ? SOFTWARE_NOTE : undefined;
  return { commit: commit(), cpu: cpus()[0]?.model, node: process.version, ...(note === undefined ? {} : { note }), ...report };
}

function headline({ name, software, limits }: MsmReport['adapter']): string {
  const limitsText = Object.entries(limits).map(([limit, value]) => `  ${limit} ${value}`);
  return [`${name}${software ? ` (${SOFTWARE_NOTE})` : ''}`, ...limitsText].join('\n');
}

function describe(row: MsmRow): string {
  const ratio = row.timesFaster === null ? '' : `, ${row.timesFaster}×`;
  return (
    `2^${row.power}: WebGPU ${row.gpuMs} ms [${row.gpuSpreadMs.join('–')}], WebAssembly on ${row.threads} threads ${row.wasmMs} ms ` +
    `[${row.wasmSpreadMs.join('–')}]${ratio}; upload ${row.phasesMs.upload} ms, first sum ${row.phasesMs.firstSum} ms, ${row.deviceBytes} bytes held; ` +
    `of one sum that waits after each phase, ms: ${sumPhases(row)}`
  );
}

export async function serveMsmPage(args: string[]): Promise<void> {
  const { url } = await serveBenchPage(numberOption(args, '--port', 0, 65_535));
  process.stdout.write(`${url}\nInterrupt ends it.\n`);
}
