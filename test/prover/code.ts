import { isTacitError } from '../../protocol/errors.js';

/** The code of the TacitError that an act ends in; anything else is named by its text. */
export async function code(act: () => unknown): Promise<string> {
  try {
    await act();
    return 'nothing thrown';
  } catch (error) {
    return isTacitError(error) ? error.code : String(error);
  }
}
