import { TacitError } from '../../protocol/errors.js';

/** The code of the project's error that `act` throws; anything else thrown is thrown on. */
export function code(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof TacitError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}
