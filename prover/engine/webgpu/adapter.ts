/**
 * Which graphics processor there is, what it may be asked for, and whether it is one at all.
 *
 * Software adapters (a driver that computes on the processor) are good for tests and slower than our own threads:
 * nobody chooses them by measurement. They are recognised by what the adapter says of itself.
 */
import { platform } from '../platform/choose.js';

/**
 * Names under which drivers without hardware go: SwiftShader (Chromium), llvmpipe and lavapipe (Mesa), WARP (Windows,
 * "Microsoft Basic Render Driver"). Sources: the adapter information of each.
 */
const SOFTWARE_NAMES = /swiftshader|llvmpipe|lavapipe|softpipe|\bwarp\b|basic render/i;

/** Limits that decide how a sum is cut; bytes, or a number of buffers. */
export const LIMIT_NAMES = [
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupSizeX',
] as const;
export type LimitName = (typeof LIMIT_NAMES)[number];

/** What is known of an adapter; plain data. */
export interface AdapterFacts {
  /** For people: as much as the driver tells. */
  readonly name: string;
  /** Tells adapters and their drivers apart. */
  readonly identity: string;
  readonly software: boolean;
  /** What the adapter offers. */
  readonly limits: Readonly<Record<LimitName, number>>;
}

type Info = Partial<Pick<GPUAdapterInfo, 'vendor' | 'architecture' | 'device' | 'description' | 'isFallbackAdapter'>>;

export function isSoftware(info: Info): boolean {
  const said = [info.vendor, info.architecture, info.device, info.description].join(' ');
  return info.isFallbackAdapter === true || info.architecture === 'software' || SOFTWARE_NAMES.test(said);
}

export function adapterFacts(adapter: { readonly info: Info; readonly limits: Pick<GPUSupportedLimits, LimitName> }): AdapterFacts {
  const { info } = adapter;
  const parts = [info.vendor, info.architecture, info.device, info.description].map((part) => part ?? '');
  const said = [info.description, info.device, [info.vendor, info.architecture].filter(Boolean).join(' ')].find(Boolean);
  return {
    name: said ?? 'an adapter without a name',
    identity: parts.join(' | '),
    software: isSoftware(info),
    limits: Object.fromEntries(LIMIT_NAMES.map((name) => [name, adapter.limits[name]])) as Record<LimitName, number>,
  };
}

/** The adapter that the platform prefers, or undefined. A software adapter comes only where there is no other. */
export async function findAdapter(): Promise<GPUAdapter | undefined> {
  try {
    const gpu = await (await platform()).gpu();
    return (await gpu?.requestAdapter({ powerPreference: 'high-performance' })) ?? undefined;
  } catch {
    // A driver that cannot be asked is as good as none.
    return undefined;
  }
}
