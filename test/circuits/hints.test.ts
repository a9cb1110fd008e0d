/**
 * A18: signals that are assigned without a constraint (`<--`). Every one in the sources of a circuit, circomlib's included,
 * is in the reviewed list below with the constraint that determines it; that constraint must stand in the same template.
 */
import { describe, expect, it } from 'vitest';
import { circuitSources } from '../../circuits/sources.js';
import { CIRCUITS, type CircuitName } from '../../protocol/circuit.js';

interface Hint {
  readonly file: string;
  readonly template: string;
  /** The assignment as it is written. */
  readonly hint: string;
  /** Constraints of the same template that leave one value, as they are written. */
  readonly by: readonly string[];
  /** Why they do; where they do not, why nothing false follows. */
  readonly why: string;
}

const HINTS: readonly Hint[] = [
  {
    file: 'circuits/lib/transfer_record.circom',
    template: 'TransferRecord',
    hint: 'signal nfDifferenceInverse <-- nf[0] == nf[1] ? 0 : 1 / (nf[0] - nf[1]);',
    by: ['(nf[0] - nf[1]) * nfDifferenceInverse === 1; // T4'],
    why: 'an inverse is unique, and there is none of 0',
  },
  {
    file: 'circuits/lib/bits_at_most.circom',
    template: 'BitsAtMost',
    hint: 'bit[i] <-- (in >> i) & 1;',
    by: ['bit[i] * (limit - bit[i]) === 0; // T1, T4, T5', 'sum === in; // T1, T4, T5'],
    why: 'bits of a number that is not above a constant below p, with a given sum: one reading',
  },
  {
    file: 'circomlib/circuits/bitify.circom',
    template: 'Num2Bits',
    hint: 'out[i] <-- (in >> i) & 1;',
    by: ['out[i] * (out[i] -1 ) === 0;', 'lc1 === in;'],
    why: 'bits with a given sum; one reading up to 253 of them, and no circuit of ours takes more than 248',
  },
  {
    file: 'circomlib/circuits/bitify.circom',
    template: 'Num2BitsNeg',
    hint: 'out[i] <-- (neg >> i) & 1;',
    by: ['out[i] * (out[i] -1 ) === 0;', 'lc1 + isZero.out * 2**n === 2**n - in;'],
    why: 'in no circuit of ours; it comes with the file',
  },
  {
    file: 'circomlib/circuits/comparators.circom',
    template: 'IsZero',
    hint: 'inv <-- in!=0 ? 1/in : 0;',
    by: ['out <== -in*inv +1;', 'in*out === 0;'],
    why: 'unique where in ≠ 0; free where in = 0, where it reaches nothing: out = 1',
  },
  {
    file: 'circomlib/circuits/binsum.circom',
    template: 'BinSum',
    hint: 'out[k] <-- (lin >> k) & 1;',
    by: ['out[k] * (out[k] - 1) === 0;', 'lin === lout;'],
    why: 'in no circuit of ours; it comes with the file',
  },
  {
    file: 'circomlib/circuits/babyjub.circom',
    template: 'BabyAdd',
    hint: 'xout <-- (beta + gamma) / (1+ d*tau);',
    by: ['(1+ d*tau) * xout === (beta + gamma);'],
    why: 'd is no square, so for points of the curve 1 + d·τ ≠ 0 (the law is complete); both operands are on the curve by T1',
  },
  {
    file: 'circomlib/circuits/babyjub.circom',
    template: 'BabyAdd',
    hint: 'yout <-- (delta + a*beta - gamma) / (1-d*tau);',
    by: ['(1-d*tau)*yout === (delta + a*beta - gamma);'],
    why: 'likewise 1 − d·τ ≠ 0',
  },
  {
    file: 'circomlib/circuits/montgomery.circom',
    template: 'Edwards2Montgomery',
    hint: 'out[0] <-- (1 + in[1]) / (1 - in[1]);',
    by: ['out[0] * (1-in[1]) === (1 + in[1]);'],
    why: 'unique unless y = 1, the identity: the base is B8, or 8·A′ which is not the identity by T5',
  },
  {
    file: 'circomlib/circuits/montgomery.circom',
    template: 'Edwards2Montgomery',
    hint: 'out[1] <-- out[0] / in[0];',
    by: ['out[1] * in[0] === out[0];'],
    why: 'unique unless x = 0, refused with the identity',
  },
  {
    file: 'circomlib/circuits/montgomery.circom',
    template: 'Montgomery2Edwards',
    hint: 'out[0] <-- in[0] / in[1];',
    by: ['out[0] * in[1] === in[0];'],
    why: 'unique unless v = 0, a point of order 2: multiples of points of order l have none',
  },
  {
    file: 'circomlib/circuits/montgomery.circom',
    template: 'Montgomery2Edwards',
    hint: 'out[1] <-- (in[0] - 1) / (in[0] + 1);',
    by: ['out[1] * (in[0] + 1) === in[0] - 1;'],
    why: 'unique unless u = −1, where no point of order l lies',
  },
  {
    file: 'circomlib/circuits/montgomery.circom',
    template: 'MontgomeryAdd',
    hint: 'lamda <-- (in2[1] - in1[1]) / (in2[0] - in1[0]);',
    by: ['lamda * (in2[0] - in1[0]) === (in2[1] - in1[1]);'],
    why:
      'unique unless the points share u. Equal points would leave it free, opposite ones have none; the multiples that are added are never ' +
      'equal: docs/spec/transfer.md, Scalar multiplication',
  },
  {
    file: 'circomlib/circuits/montgomery.circom',
    template: 'MontgomeryDouble',
    hint: 'lamda <-- (3*x1_2 + 2*A*in[0] + 1 ) / (2*B*in[1]);',
    by: ['lamda * (2*B*in[1]) === (3*x1_2 + 2*A*in[0] + 1 );'],
    why: 'unique unless v = 0, as above',
  },
];

const squeeze = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

describe('A18: hints', () => {
  const files = new Map<string, string>();
  for (const name of Object.keys(CIRCUITS) as CircuitName[]) for (const { path, text } of circuitSources(name).files) files.set(path, text);
  /** Templates of a file with their lines, comments of blocks left out. */
  const templates = (text: string): [string, string[]][] =>
    text
      .replaceAll(/\/\*[\s\S]*?\*\//g, '')
      .split(/^template /m)
      .slice(1)
      .map((body) => [/^\w+/.exec(body)![0], body.split('\n').map(squeeze)]);

  it('A18: every `<--` of the sources → is in the reviewed list, once', () => {
    const found: string[] = [];
    for (const [path, text] of files)
      for (const [template, lines] of templates(text))
        for (const line of lines) if (/<--|-->/.test(line.replace(/\/\/.*$/, ''))) found.push(`${path} ${template}: ${line}`);
    expect(found.sort()).toEqual(HINTS.map(({ file, template, hint }) => `${file} ${template}: ${hint}`).sort());
  });

  it.each(HINTS.map((hint) => [`${hint.template}: ${hint.hint}`, hint] as const))(
    'A18 honest: %s → is determined',
    (_, { file, template, hint, by }) => {
      const lines = templates(files.get(file)!).find(([name]) => name === template)![1];
      const at = lines.indexOf(hint);
      for (const constraint of by)
        expect(lines.indexOf(squeeze(constraint), constraint === by[0] ? 0 : at), constraint).toBeGreaterThanOrEqual(0);
    },
  );

  it('A18: a `<--` of our own → carries a comment, and the next line is the constraint with its statement’s id', () => {
    for (const [path, text] of files) {
      if (!path.startsWith('circuits/')) continue;
      const lines = text.split('\n').map(squeeze);
      lines.forEach((line, at) => {
        if (!/<--|-->/.test(line)) return;
        expect(lines[at - 1]).toMatch(/^\/\/ .*the line after it/);
        expect(lines[at + 1]).toMatch(/===.*; \/\/ [TU]\d+(, [TU]\d+)*$/);
      });
    }
  });
});
