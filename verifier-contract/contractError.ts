/**
 * What a call to the chain can end in, as the project's one error family.
 *
 * A custom error of the contract becomes `CONTRACT_<NAME>` with its values in `got`; a node that cannot be reached is
 * `RPC_UNREACHABLE` and retryable; an account that cannot pay is `FUNDS_TOO_LOW`.
 */
import { isError } from 'ethers';
import { TacitError } from '../protocol/errors.js';
import type { Hex } from '../protocol/flavor.js';
import { rollupInterface } from './abi.js';

const UNREACHABLE = /ECONNREFUSED|ECONNRESET|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|fetch failed|socket hang up|missing response/i;

/** Always returns an error to throw; one that is a TacitError already comes back untouched. */
export function contractError(error: unknown, action: string): TacitError {
  if (error instanceof TacitError) return error;
  const data = revertData(error);
  const named = data === undefined ? undefined : decodeRevert(data, action, error);
  if (named !== undefined) return named;
  if (isError(error, 'INSUFFICIENT_FUNDS') || /insufficient funds/i.test(textOf(error))) {
    return new TacitError('FUNDS_TOO_LOW', `the account cannot pay for: ${action}`, {
      expected: 'enough of the native coin for value and gas',
      cause: error,
    });
  }
  if (isError(error, 'NONCE_EXPIRED') || isError(error, 'REPLACEMENT_UNDERPRICED')) {
    return new TacitError('TRANSACTION_REPLACED', `another transaction has this nonce: ${action}`, { retryable: true, cause: error });
  }
  if (isError(error, 'NETWORK_ERROR') || isError(error, 'TIMEOUT') || isError(error, 'SERVER_ERROR') || UNREACHABLE.test(textOf(error))) {
    return new TacitError('RPC_UNREACHABLE', `the chain's RPC does not answer: ${action}`, { retryable: true, cause: error });
  }
  if (isError(error, 'CALL_EXCEPTION'))
    return new TacitError('CONTRACT_REVERTED', `the chain refused: ${action}`, {
      got: error.reason ?? data ?? 'no reason given',
      cause: error,
    });
  return new TacitError('RPC_FAILED', `the chain's RPC failed: ${action}`, {
    got: textOf(error).slice(0, 200),
    retryable: true,
    cause: error,
  });
}

/** Runs a call and turns what it throws into a TacitError. */
export async function onChain<T>(action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    throw contractError(error, action);
  }
}

/** `NotSettler` → `CONTRACT_NOT_SETTLER`. */
export function errorCode(name: string): string {
  return `CONTRACT_${name.replace(/(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g, '_').toUpperCase()}`;
}

function decodeRevert(data: Hex, action: string, cause: unknown): TacitError | undefined {
  let parsed: ReturnType<ReturnType<typeof rollupInterface>['parseError']>;
  try {
    parsed = rollupInterface().parseError(data);
  } catch {
    return undefined;
  }
  if (parsed === null) return undefined;
  const values = parsed.fragment.inputs.map(({ name }, i) => `${name} ${String(parsed.args[i])}`).join(', ');
  return new TacitError(errorCode(parsed.name), `the contract refused: ${action}`, {
    docs: 'spec/contract.md',
    cause,
    ...(values === '' ? {} : { got: values }),
  });
}

/** Revert data, wherever ethers or the node put it. */
function revertData(error: unknown): Hex | undefined {
  const seen = new Set<unknown>();
  const look = (value: unknown, depth: number): Hex | undefined => {
    if (typeof value !== 'object' || value === null || seen.has(value) || depth > 5) return undefined;
    seen.add(value);
    const { data } = value as { data?: unknown };
    if (typeof data === 'string' && /^0x[0-9a-fA-F]{8,}$/.test(data)) return data;
    for (const key of ['data', 'info', 'error', 'cause', 'revert']) {
      const found = look((value as Record<string, unknown>)[key], depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return look(error, 0);
}

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  return `${error.message} ${typeof code === 'string' ? code : ''} ${error.cause === undefined ? '' : textOf(error.cause)}`;
}
