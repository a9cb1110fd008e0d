/**
 * Measured crossovers in a page: what calibrationStore.ts keeps in Node's per-user cache, kept by the browser for the page's
 * origin, in IndexedDB, which pages and their workers have alike.
 *
 *     database `tacit-webgpu`, version 1        store `calibrations`: calibration's key → calibration
 *
 * A browser that keeps nothing (storage refused, full, or a private window), and a record that is no calibration, are no
 * errors: then it is measured again, or not used. Source: Indexed Database API 3.0.
 */
import { type Calibration, readCalibration } from '../engine/webgpu/calibration.js';
import type { CalibrationStore } from './gpuSupply.js';

const DATABASE = 'tacit-webgpu';
const VERSION = 1;
const STORE = 'calibrations';

export function pageCalibrations(): CalibrationStore {
  return {
    read: async (key) => readCalibration(await kept('readonly', (store) => store.get(key)), key),
    promising: async () => ((await kept('readonly', (store) => store.count())) ?? 0) > 0,
    write: async (calibration: Calibration) => {
      await kept('readwrite', (store) => store.put(calibration, calibration.key));
    },
  };
}

/** The answer to one request in a transaction of its own, once that is complete; undefined where the browser refuses. */
async function kept<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  let database: IDBDatabase | undefined;
  try {
    database = await opened();
    const transaction = database.transaction(STORE, mode);
    const request = ask(transaction.objectStore(STORE));
    await new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(transaction.error);
    });
    return request.result;
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, VERSION);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
