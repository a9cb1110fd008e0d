/** What the benchmarks of WebGPU say where there is no adapter, or none of hardware. */
export const NO_ADAPTER =
  'No WebGPU adapter: install the optional package webgpu and a driver (VK_ICD_FILENAMES may name one, LD_LIBRARY_PATH the folder of libvulkan.so.1).\n';
export const SOFTWARE_NOTE = 'a software adapter: no statement about GPUs';
