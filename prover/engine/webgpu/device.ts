/**
 * One device with the largest limits that its adapter offers, and the news of its end.
 *
 * A device ends once and for good: lost to its driver, given up after a failure, or closed. Whoever wants to go on opens
 * another. Its buffers are gone with it.
 */
import { TacitError } from '../../../protocol/errors.js';
import { type AdapterFacts, adapterFacts, findAdapter, LIMIT_NAMES } from './adapter.js';

export interface Gpu {
  readonly facts: AdapterFacts;
  readonly device: GPUDevice;
  /** Why the device has ended; undefined while it has not. */
  readonly ended: TacitError | undefined;
  /** Resolves when the device has ended. */
  readonly end: Promise<TacitError>;
  /** Ends the device: all its buffers are freed. Safe to call twice. */
  close(reason?: TacitError): void;
}

/**
 * @param choose asked about the adapter before anything is reserved on it
 * @returns undefined where there is no adapter, or it was not chosen
 * @throws TacitError WEBGPU_FAILED where the adapter gives no device
 */
export async function openGpu(choose: (facts: AdapterFacts) => boolean = () => true): Promise<Gpu | undefined> {
  const adapter = await findAdapter();
  if (!adapter) return undefined;
  const facts = adapterFacts(adapter);
  if (!choose(facts)) return undefined;
  const requiredLimits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, facts.limits[name]]));
  try {
    return watched(await adapter.requestDevice({ label: 'tacit', requiredLimits }), facts);
  } catch (cause) {
    throw new TacitError('WEBGPU_FAILED', 'the adapter gives no device', { got: facts.name, cause, retryable: true });
  }
}

/** A device and its state; tests give one of their own. */
export function watched(device: GPUDevice, facts: AdapterFacts): Gpu {
  let ended: TacitError | undefined;
  let tell: (reason: TacitError) => void = () => undefined;
  const end = new Promise<TacitError>((resolve) => {
    tell = resolve;
  });
  const finish = (reason: TacitError): void => {
    if (ended) return;
    ended = reason;
    tell(reason);
  };
  void device.lost.then(
    ({ reason, message }) => finish(new TacitError('WEBGPU_LOST', 'the device is lost', { got: message || reason, retryable: true })),
    () => undefined,
  );
  return {
    facts,
    device,
    get ended() {
      return ended;
    },
    end,
    close: (reason = new TacitError('WEBGPU_CLOSED', 'the device was closed')) => {
      finish(reason);
      device.destroy();
    },
  };
}
