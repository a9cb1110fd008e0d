/** Lines on logarithmic axes, as an SVG document: enough for the figures of this project, and nothing to install. */

export interface PlotLine {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface PlotParameters {
  readonly lines: readonly PlotLine[];
  readonly xLabel: string;
  readonly yLabel: string;
  /** Ascending; the first and the last are the axis' ends. All positive. */
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
}

const [WIDTH, HEIGHT] = [760, 420];
const MARGIN = { left: 70, right: 190, top: 34, bottom: 50 };
const COLOURS = ['#b3541e', '#1e6fb3', '#2e8b57', '#7a4fa3'];
const [LINE_PX, DOT_PX, NAME_PX] = [2, 3, 16];

/** @returns an SVG document; a point's figures are its tooltip */
export function plot({ lines, xLabel, yLabel, xTicks, yTicks }: PlotParameters): string {
  const x = scale(xTicks, MARGIN.left, WIDTH - MARGIN.right);
  const y = scale(yTicks, HEIGHT - MARGIN.bottom, MARGIN.top);
  const [left, right, bottom, top] = [MARGIN.left, WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom, MARGIN.top];
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${yLabel} against ${xLabel}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...xTicks.flatMap((tick) => [rule(x(tick), x(tick), bottom, top), text(x(tick), bottom + 18, 'middle', people(tick))]),
    ...yTicks.flatMap((tick) => [rule(left, right, y(tick), y(tick)), text(left - 8, y(tick) + 4, 'end', people(tick))]),
    text((left + right) / 2, HEIGHT - 10, 'middle', xLabel),
    text(left, top - 14, 'middle', yLabel),
    ...lines.flatMap((line, i) => curve(line, x, y, COLOURS[i % COLOURS.length] as string)),
    ...names(lines, y).map(
      ({ name, top: at, line }) => `<text x="${right + 8}" y="${round(at + 4)}" fill="${COLOURS[line % COLOURS.length]}">${name}</text>`,
    ),
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

type Scale = (value: number) => number;

function scale(ticks: readonly number[], from: number, to: number): Scale {
  const [low, high] = [Math.log(ticks[0] as number), Math.log(ticks[ticks.length - 1] as number)];
  return (value) => from + ((Math.log(value) - low) / (high - low)) * (to - from);
}

/** Each name at the end of its line, moved down where it would lie upon another. */
function names(lines: readonly PlotLine[], y: Scale): { name: string; top: number; line: number }[] {
  const ends = lines.map(({ name, points }, line) => ({ name, line, top: y((points[points.length - 1] as readonly [number, number])[1]) }));
  let free = 0;
  return ends
    .sort((a, b) => a.top - b.top || a.line - b.line)
    .map((end) => {
      const top = Math.max(end.top, free);
      free = top + NAME_PX;
      return { ...end, top };
    });
}

function curve({ points }: PlotLine, x: Scale, y: Scale, colour: string): string[] {
  const placed = points.map(([px, py]) => ({ left: round(x(px)), top: round(y(py)), figures: `${people(px)}: ${people(py)}` }));
  return [
    `<polyline fill="none" stroke="${colour}" stroke-width="${LINE_PX}" points="${placed.map(({ left, top }) => `${left},${top}`).join(' ')}"/>`,
    ...placed.map(
      ({ left, top, figures }) => `<circle cx="${left}" cy="${top}" r="${DOT_PX}" fill="${colour}"><title>${figures}</title></circle>`,
    ),
  ];
}

function rule(x1: number, x2: number, y1: number, y2: number): string {
  return `<line x1="${round(x1)}" x2="${round(x2)}" y1="${round(y1)}" y2="${round(y2)}" stroke="#ddd"/>`;
}

function text(x: number, y: number, anchor: 'middle' | 'end', content: string): string {
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}">${content}</text>`;
}

function people(value: number): string {
  return value.toLocaleString('en-US');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
