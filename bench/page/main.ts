/**
 * The bench page: shows the adapter and what `auto` does with it here, measures when asked, and keeps the result as JSON. Times are
 * medians, see msmRows.ts. `Calibrate` measures the crossover, which the browser keeps for this origin.
 */
import { describeGpu } from '../../prover/backends/gpuReport.js';
import { GpuSupply } from '../../prover/backends/gpuSupply.js';
import { pageCalibrations } from '../../prover/backends/pageCalibrations.js';
import { platform } from '../../prover/engine/platform/choose.js';
import type { AdapterFacts } from '../../prover/engine/webgpu/adapter.js';
import { type Gpu, openGpu } from '../../prover/engine/webgpu/device.js';
import { type MsmReport, type MsmRow, measureMsm, sumPhases } from '../msmRows.js';
import { SOFTWARE_NOTE } from '../webgpuAdapter.js';

/** Where a software adapter stops unless it is told to go on. */
const SOFTWARE_TO = '14';

function element<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

const form = element<HTMLFormElement>('options');
const button = form.querySelector('button') as HTMLButtonElement;
const calibrate = element<HTMLButtonElement>('calibrate');
const supply = new GpuSupply('auto', pageCalibrations());
const field = (name: string): HTMLInputElement => form.elements.namedItem(name) as HTMLInputElement;

function show(id: string, text: string): void {
  element(id).textContent = text;
}

function showAdapter({ name, software, limits }: AdapterFacts): void {
  const limitsText = Object.entries(limits).map(([limit, value]) => `${limit} ${value.toLocaleString('en')}`);
  show('adapter', `Adapter: ${name}.`);
  show('limits', `${limitsText.join(', ')}.`);
  if (!software) return;
  show('note', 'A software adapter: it computes on the processor, so this says nothing about GPUs.');
  field('to').value = SOFTWARE_TO;
}

function showRow(row: MsmRow): void {
  const cells = [
    row.bases.toLocaleString('en'),
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

/** What `auto` does here with as many threads as the form names. */
async function showChoice(measure: boolean): Promise<void> {
  const report = await supply.report(field('threads').valueAsNumber, { measure });
  const { state } = report;
  if (state === 'software') show('calibration', 'auto leaves it alone.');
  else if (state === 'unmeasured') show('calibration', 'auto leaves it alone: it was not measured here yet with so many threads.');
  else show('calibration', `auto: ${describeGpu(report)}.`);
}

function enableButtons({ ended, facts }: Gpu): void {
  button.disabled = ended !== undefined;
  calibrate.disabled = ended !== undefined || facts.software;
}

/** One thing at a time: both buttons wait for it. */
async function busy(gpu: Gpu, state: string, work: () => Promise<string>): Promise<void> {
  button.disabled = calibrate.disabled = true;
  show('error', '');
  show('state', state);
  try {
    show('state', await work());
  } catch (error) {
    show('state', '');
    show('error', String(error));
  } finally {
    enableButtons(gpu);
  }
}

async function main(): Promise<void> {
  const gpu = await openGpu();
  field('threads').value = String((await platform()).availableThreads());
  if (!gpu) {
    show('adapter', 'This browser offers no WebGPU adapter to this page.');
    return;
  }
  showAdapter(gpu.facts);
  await showChoice(false);
  enableButtons(gpu);
  field('threads').addEventListener('change', () => void showChoice(false));
  calibrate.addEventListener('click', () =>
    busy(gpu, 'Calibrating…', async () => {
      await showChoice(true);
      return 'Calibrated.';
    }),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void busy(gpu, 'Measuring…', async () => {
      const report = await measure(gpu);
      const browser = navigator.userAgent;
      const note = report.adapter.software ? { note: SOFTWARE_NOTE } : {};
      show('json', JSON.stringify({ browser, isolated: crossOriginIsolated, ...note, ...report }, null, 1));
      return 'Done: every result was checked before it was timed.';
    });
  });
  void gpu.end.then((reason) => {
    enableButtons(gpu);
    show('error', `${reason.message}: load the page again.`);
  });
}

await main();
