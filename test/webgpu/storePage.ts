/** The page's store of calibrations, for pageStore.test.ts; calls itself `tacitStore`. */
import { GpuSupply } from '../../prover/backends/gpuSupply.js';
import { pageCalibrations } from '../../prover/backends/pageCalibrations.js';
import type { AdapterFacts } from '../../prover/engine/webgpu/adapter.js';
import { type Calibration, calibrationKey } from '../../prover/engine/webgpu/calibration.js';
import { type openGpu, watched } from '../../prover/engine/webgpu/device.js';

export interface StorePageApi {
  /** The key under which this browser looks for an adapter's calibration. */
  keyOf(identity: string, threads: number): string;
  read(key: string): Promise<Calibration | undefined>;
  promising(): Promise<boolean>;
  write(calibration: Calibration): Promise<void>;
  /** Puts any value where a calibration belongs. */
  spoil(key: string, value: unknown): Promise<void>;
  /** What `auto` does with an adapter of these facts: whether it opens it, and whether it offers it to a key. */
  choose(facts: AdapterFacts, threads: number): Promise<{ opened: number; offered: boolean; state: string }>;
}

const store = pageCalibrations();

const api: StorePageApi = {
  keyOf: calibrationKey,
  read: (key) => store.read(key),
  promising: () => store.promising(),
  write: (calibration) => store.write(calibration),
  spoil: (key, value) =>
    new Promise((resolve, reject) => {
      const request = indexedDB.open('tacit-webgpu');
      request.onerror = () => reject(request.error);
      request.onsuccess = () => {
        const transaction = request.result.transaction('calibrations', 'readwrite');
        transaction.objectStore('calibrations').put(value, key);
        transaction.oncomplete = () => {
          request.result.close();
          resolve();
        };
      };
    }),
  choose: async (facts, threads) => {
    let opened = 0;
    const open: typeof openGpu = async (choose = () => true) => {
      if (!choose(facts)) return undefined;
      opened++;
      const device = { lost: new Promise(() => undefined), destroy: () => undefined };
      return watched(device as unknown as GPUDevice, facts);
    };
    const supply = new GpuSupply('auto', store, open);
    const offered = (await supply.offer(threads)) !== undefined;
    const openedForOffer = opened;
    const { state } = await supply.report(threads, { measure: false });
    await supply.close();
    return { opened: openedForOffer, offered, state };
  },
};

Object.assign(globalThis, { tacitStore: api });
