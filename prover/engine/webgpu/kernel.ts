/**
 * A kernel as data: its numbers, its buffers, its text; and how the head of its shader is made of them.
 *
 *     binding 0        uniform      `params`: numbers of 32 bits, by name, in one slot of `PARAMETER_SLOT_BYTES`
 *     binding 1, 2, …  storage      the buffers, in the order in which they are listed; at most eight
 *
 * The entry is `main`. Its body finds `invocation`, numbered from 0, `invocations`, their number, and for kernels with barriers
 * `workgroups.x`, `group.x` and `local`. There are at most as many workgroups as one dimension takes (65,535), so a kernel
 * that may have more to do goes on in strides.
 */

/** The least offset between dynamic uniform bindings that every device takes. */
export const PARAMETER_SLOT_BYTES = 256;
/** Storage buffers a kernel may have on every device. */
export const MOST_BUFFERS = 8;
/** Workgroups in one dimension that every device takes. */
export const MOST_WORKGROUPS = 65_535;

export interface BufferUse<B extends string = string> {
  readonly name: B;
  readonly access: 'read' | 'read_write';
  /** WGSL type of the whole buffer. */
  readonly type: string;
}

export interface Kernel<P extends string = string, B extends string = string> {
  readonly label: string;
  readonly params: readonly P[];
  readonly buffers: readonly BufferUse<B>[];
  /** Invocations of a workgroup. */
  readonly groupSize: number;
  /** Types, constants and functions before `main`, whose body is `entry`. */
  readonly declarations: string;
  readonly entry: string;
}

/** Keeps the names of numbers and buffers as types, and the promise of eight buffers. */
export function kernel<P extends string, B extends string>(parts: Kernel<P, B>): Kernel<P, B> {
  if (parts.buffers.length > MOST_BUFFERS) throw new RangeError(`${parts.label} uses ${parts.buffers.length} buffers`);
  return parts;
}

/** The whole text of a kernel's shader. */
export function shaderSource({ params, buffers, groupSize, declarations, entry }: Kernel): string {
  const bindings = buffers.map(({ name, access, type }, i) => `@group(0) @binding(${i + 1}) var<storage, ${access}> ${name}: ${type};`);
  return `struct Params { ${params.map((name) => `${name}: u32`).join(', ')} }
@group(0) @binding(0) var<uniform> params: Params;
${bindings.join('\n')}
${declarations}
@compute @workgroup_size(${groupSize})
fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) workgroups: vec3<u32>, @builtin(local_invocation_index) local: u32, @builtin(workgroup_id) group: vec3<u32>) {
  let invocation = id.x;
  let invocations = workgroups.x * ${groupSize}u;
  ${entry}
}
`;
}
