/** The bench page: shows the adapter, measures when asked, and keeps the result as JSON. Times are medians, see msmRows.ts. */
import { platform } from '../../prover/engine/platform/choose.js';
import type { AdapterFacts } from '../../prover/engine/webgpu/adapter.js';
import { type Gpu, openGpu } from '../../prover/engine/webgpu/device.js';
import { type MsmReport, type MsmRow, measureMsm, sumPhases } from '../msmRows.js';

/** Where a software adapter stops unless it is told to go on. */
const SOFTWARE_TO = '14';

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const form = element<HTMLFormElement>('options');
const button = form.querySelector('button') as HTMLButtonElement;
const field = (name: string): HTMLInputElement => form.elements.namedItem(name) as HTMLInputElement;

function show(id: string, text: string): void {
  element(id).textContent = text;
}

function showAdapter({ name, software, limits }: AdapterFacts): void {
  const limitsText = Object.entries(limits).map(([limit, value]) => `${limit} ${value}`);
  show('adapter', `Adapter: ${name}. ${limitsText.join(', ')}.`);
  if (!software) return;
  show('note', 'A software adapter: it computes on the processor, so this says nothing about GPUs.');
  field('to').value = SOFTWARE_TO;
}

function showRow(row: MsmRow): void {
  const cells = [
    `2^${row.power}`,
    `${row.gpuMs} [${row.gpuSpreadMs.join('–')}]`,
    `${row.wasmMs} [${row.wasmSpreadMs.join('–')}]`,
    row.timesFaster === null ? '–' : String(row.timesFaster),
    String(row.phasesMs.upload),
    String(row.phasesMs.firstSum),
    sumPhases(row),
  ];
  const line = document.createElement('tr');
  for (const cell of cells) line.append(Object.assign(document.createElement('td'), { textContent: cell }));
  element('rows').append(line);
}

async function measure(gpu: Gpu): Promise<MsmReport> {
  const [from, to, threads, runs] = ['from', 'to', 'threads', 'runs'].map((name) => field(name).valueAsNumber) as [
    number,
    number,
    number,
    number,
  ];
  element('rows').replaceChildren();
  return measureMsm(gpu, { from, to, threads, runs }, showRow);
}

async function main(): Promise<void> {
  const gpu = await openGpu();
  field('threads').value = String((await platform()).availableThreads());
  if (!gpu) {
    show('adapter', 'This browser offers no WebGPU adapter to this page.');
    return;
  }
  showAdapter(gpu.facts);
  button.disabled = false;
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    show('error', '');
    show('state', 'Measuring…');
    measure(gpu)
      .then((report) => {
        const browser = navigator.userAgent;
        show('json', JSON.stringify({ browser, isolated: crossOriginIsolated, ...report }, null, 1));
        show('state', 'Done: every result was checked before it was timed.');
      })
      .catch((error: unknown) => {
        show('state', '');
        show('error', String(error));
      })
      .finally(() => {
        button.disabled = gpu.ended !== undefined;
      });
  });
}

await main();
