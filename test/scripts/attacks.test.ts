/** The attack table reads ids, what and how out of a test's name, or out of the codes that its text asserts. */
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Row {
  ids: string[];
  honest: boolean;
  what: string;
  how: string;
}
const script: string = pathToFileURL('scripts/attacks.mjs').href;
const { describeAttack, IDS } = (await import(script)) as {
  describeAttack(title: string, ancestors: string[], text: string): Row;
  IDS: string[];
};
/** Spelt apart, or the attack table would take these samples for attacks. */
const a = (ids: string): string => `A${ids}`;

describe('the attack table', () => {
  it('knows eighteen ids', () => {
    expect([IDS.length, IDS[0], IDS.at(-1)]).toEqual([18, a('1'), a('18')]);
  });
  it('splits a name at its arrow, and takes several ids', () => {
    expect(describeAttack(a('4, A6: a fee of nobody’s asset → T9 breaks'), [], '')).toEqual({
      ids: [a('4'), a('6')],
      honest: false,
      what: 'a fee of nobody’s asset',
      how: 'T9 breaks',
    });
  });
  it('takes the codes that the test asserts where the name has no arrow', () => {
    const text = `  it.each([1])('${a('5')}: one unit too %s', () => {\n    expect(x).toBe('TRANSFER_T8');\n  });\n  it('other', () => 'FOLD_INVALID');`;
    expect(describeAttack(a('5: one unit too much, or so'), [], text).how).toBe('TRANSFER_T8');
  });
  it('reads ids of the describe around it, and honest twins', () => {
    expect(describeAttack('is refused', [a('3: one note as both inputs')], '')).toMatchObject({
      ids: [a('3')],
      what: 'one note as both inputs: is refused',
    });
    expect(describeAttack(a('3 honest: two notes'), [], '').honest).toBe(true);
    expect(describeAttack('a test of something else', [], '').ids).toEqual([]);
  });
});
