/**
 * A refusal to spend: what was needed and what there is, in numbers that whoever shows them can put into the asset's own unit.
 * A wallet knows assets by number only; their names and decimals are the chain's.
 */
import { TacitError } from '../protocol/errors.js';
import type { Amount, AssetId } from '../protocol/flavor.js';

export type FundsErrorCode = 'INSUFFICIENT_FUNDS' | 'NOTES_PENDING' | 'NOTES_FRAGMENTED';

export interface Shortage {
  readonly asset: AssetId;
  /** Fees included. */
  readonly need: Amount;
  readonly available: Amount;
  /** What follows the need in the text. */
  readonly hint: string;
}

export class FundsError extends TacitError {
  readonly shortage: Shortage;
  readonly #message: string;

  /** @param show an amount as text; base units where nothing better is known */
  constructor(code: FundsErrorCode, message: string, shortage: Shortage, show = inBaseUnits) {
    const { asset, need, available, hint } = shortage;
    super(code, message, {
      expected: `${show(asset, need)}${hint}`,
      got: show(asset, available),
      // Change or receipts are on their way.
      retryable: code === 'NOTES_PENDING',
    });
    this.shortage = shortage;
    this.#message = message;
  }

  /** The same refusal with amounts as `show` writes them. */
  shownAs(show: (asset: AssetId, value: Amount) => string): FundsError {
    return new FundsError(this.code as FundsErrorCode, this.#message, this.shortage, show);
  }
}

function inBaseUnits(asset: AssetId, value: Amount): string {
  return `${value} of asset ${asset}`;
}
