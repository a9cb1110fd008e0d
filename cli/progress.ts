/**
 * Progress bars on standard error that move with the work reported to them, never on a timer. On a terminal the bars
 * redraw in place; elsewhere a line is printed at every tenth.
 */
const WIDTH = 28;
const STEP = 0.1;

export interface ProgressBars {
  /** Sets the bar's fraction, in [0, 1]; a bar appears with its first report. */
  report(name: string, fraction: number, note?: string): void;
  /** Leaves the bars as they stand and starts below them. */
  close(): void;
}

export function progressBars(stream: NodeJS.WriteStream = process.stderr): ProgressBars {
  const bars = new Map<string, { fraction: number; note: string; printed: number }>();
  const live = stream.isTTY === true;
  let drawn = 0;

  function draw(): void {
    if (drawn > 0) stream.write(`\u001b[${drawn}A`);
    for (const [name, bar] of bars) stream.write(`\u001b[2K${line(name, bar.fraction, bar.note)}\n`);
    drawn = bars.size;
  }

  return {
    report(name, fraction, note = '') {
      const bar = bars.get(name) ?? { fraction: 0, note: '', printed: -STEP };
      bar.fraction = Math.min(1, Math.max(bar.fraction, fraction));
      bar.note = note;
      bars.set(name, bar);
      if (live) return draw();
      if (bar.fraction - bar.printed < STEP - 1e-9 && !(bar.fraction === 1 && bar.printed < 1)) return;
      bar.printed = bar.fraction;
      stream.write(`${line(name, bar.fraction, note)}\n`);
    },
    close() {
      bars.clear();
      drawn = 0;
    },
  };
}

function line(name: string, fraction: number, note: string): string {
  const full = Math.round(fraction * WIDTH);
  return `  ${name.padEnd(24)} ${'█'.repeat(full)}${'░'.repeat(WIDTH - full)} ${String(Math.round(fraction * 100)).padStart(3)} %  ${note}`;
}
