/** Pollers (pollers.ts). */
import { Agent, get } from 'node:http';
import type { PollersOrder, PollersReport } from './pollers.js';
import { quantile } from './quantile.js';

const latenciesMs: number[] = [];
let failed = 0;
let running = true;
let beganMs = 0;

async function poll({ urls, count, everyMs }: PollersOrder, index: number): Promise<void> {
  // Spread over the period, each at its own moment of it.
  let nextMs = Date.now() + (index * everyMs) / count;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  for (let at = index; ; at++) {
    await new Promise((resolve) => setTimeout(resolve, nextMs - Date.now()));
    if (!running) return;
    const askedMs = performance.now();
    if ((await statusOf(urls[at % urls.length] as string, agent)) === 200) latenciesMs.push(performance.now() - askedMs);
    else failed++;
    // Who is answered late does not ask faster afterwards.
    nextMs = Math.max(nextMs + everyMs, Date.now());
  }
}

function statusOf(url: string, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve) => {
    get(url, { agent }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode));
    }).once('error', () => resolve(undefined));
  });
}

process.on('message', (message: PollersOrder | 'stop') => {
  if (message !== 'stop') {
    beganMs = Date.now();
    for (let index = 0; index < message.count; index++) void poll(message, index);
    return;
  }
  running = false;
  latenciesMs.sort((a, b) => a - b);
  const { user, system } = process.cpuUsage();
  const ranMs = Date.now() - beganMs;
  const report: PollersReport = {
    pollsPerSecond: (1_000 * latenciesMs.length) / ranMs,
    failed,
    p50Ms: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    // Microseconds, of milliseconds.
    cpuPercent: (user + system) / 10 / ranMs,
  };
  process.send?.(report);
});
process.once('disconnect', () => process.exit(0));
