/** Whether memories can be shared between threads here; a page must be isolated from other origins (COOP and COEP). */
export function sharedMemoryAvailable(): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && globalThis.crossOriginIsolated !== false;
}
