/**
 * A device that is lost at a call of the test's choice, on top of a real one that goes on: so the kernels need not be compiled
 * again for each. What WebGPU promises after a loss: no scope reports anything, and what waits for the device waits for ever.
 */

export interface LosableDevice {
  readonly device: GPUDevice;
  /** Submissions and waits so far. */
  readonly calls: number;
}

/** @param loseAt the number, from 1, of the submission or wait that the device does not survive */
export function losableDevice(real: GPUDevice, loseAt = Number.POSITIVE_INFINITY): LosableDevice {
  let calls = 0;
  let lost = false;
  let tell: (info: GPUDeviceLostInfo) => void = () => undefined;
  const loss = new Promise<GPUDeviceLostInfo>((resolve) => {
    tell = resolve;
  });
  const call = (): void => {
    if (++calls !== loseAt) return;
    lost = true;
    tell({ reason: 'unknown', message: 'as the test wants it' } as GPUDeviceLostInfo);
  };
  const orNever = <T>(answer: () => Promise<T>): Promise<T> => {
    call();
    return lost ? new Promise<T>(() => undefined) : answer();
  };
  const queue = behind(real.queue, {
    submit: (commands: GPUCommandBuffer[]) => {
      call();
      if (!lost) real.queue.submit(commands);
    },
    onSubmittedWorkDone: () => orNever(() => real.queue.onSubmittedWorkDone()),
  });
  const device = behind(real, {
    lost: loss,
    queue,
    createBuffer: (descriptor: GPUBufferDescriptor) => {
      const buffer = real.createBuffer(descriptor);
      const mapAsync = buffer.mapAsync.bind(buffer);
      buffer.mapAsync = (...mapped) => orNever(() => mapAsync(...mapped));
      return buffer;
    },
    popErrorScope: async () => {
      const error = await real.popErrorScope();
      return lost ? null : error;
    },
    destroy: () => tell({ reason: 'destroyed', message: '' } as GPUDeviceLostInfo),
  });
  return {
    device,
    get calls() {
      return calls;
    },
  };
}

/** An object with some of its members replaced. */
export function behind<T extends object>(real: T, replaced: Readonly<Record<string, unknown>>): T {
  return new Proxy(real, {
    get: (target, name) => {
      if (typeof name === 'string' && name in replaced) return replaced[name];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
