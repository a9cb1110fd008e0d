/**
 * Named numbers and strings.
 *
 * A flavoured type is assignable from the plain type, so literals stay readable, but two different flavours are
 * not assignable to one another: an `AssetId` cannot be passed where a `LeafIndex` is wanted.
 */
export type Flavor<T, Name extends string> = T & { readonly __flavor?: Name };

/** An element of the BN254 scalar field, in [0, p). */
export type Field = Flavor<bigint, 'Field'>;
/** An amount in the asset's smallest unit, in [0, 2^128). */
export type Amount = Flavor<bigint, 'Amount'>;
/** An asset's registered number, uint32; 0 is the chain's native coin. */
export type AssetId = Flavor<number, 'AssetId'>;
/** A scalar of Baby Jubjub's prime-order subgroup, in [0, l). */
export type SubgroupScalar = Flavor<bigint, 'SubgroupScalar'>;
/** The index of a leaf in the note tree or the nullifier tree, in [0, 2^32). */
export type LeafIndex = Flavor<bigint, 'LeafIndex'>;
/** An EVM address, `0x` and 40 lower-case hexadecimal digits. */
export type EvmAddress = Flavor<string, 'EvmAddress'>;
/** Bytes as `0x` and an even count of lower-case hexadecimal digits. */
export type Hex = Flavor<string, 'Hex'>;
