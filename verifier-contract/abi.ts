/**
 * The contract's interface as text, so that a wallet needs no compiler. A test compares it, entry by entry, with what
 * solc says of `contracts/Rollup.sol`.
 */
import { Interface } from 'ethers';

const FUNCTIONS = [
  'function deposit(uint32 id, uint256 value, uint256 owner, bytes32 ephemeral, bytes32 ciphertext) payable returns (uint256 queueIndex)',
  'function force(bytes record, address prover, address refund, uint256 anchor, uint256 h, bytes proof) payable returns (uint256 queueIndex)',
  'function drop(uint256 queueIndex, bytes record, address prover, address refund, bool second, uint256 next, uint256 leafIndex, uint256[3][16] siblings)',
  'function settle(bytes data)',
  'function claim(address account, uint32 id, address to) returns (uint256 amount)',
  'function registerAsset(address token) returns (uint32 id)',
] as const;

const READS = [
  'function noteRoot() view returns (uint256)',
  'function nullifierRoot() view returns (uint256)',
  'function isKnownRoot(uint256 root) view returns (bool known)',
  'function leafCount() view returns (uint40)',
  'function settlementCount() view returns (uint64)',
  'function queueHead() view returns (uint64)',
  'function queueTail() view returns (uint64)',
  'function queueItem(uint256 index) view returns (uint64 enqueuedAt, uint8 kind, bytes32 word)',
  'function isForced(bytes32 recordHash) view returns (bool seen)',
  'function isOverdue() view returns (bool)',
  'function assetCount() view returns (uint32)',
  'function asset(uint32 id) view returns (address token)',
  'function assetOf(address token) view returns (uint32 id)',
  'function credits(address account, uint32 asset) view returns (uint256 amount)',
  'function keyBlob() view returns (bytes blob)',
  'function keysHash() view returns (bytes32)',
  'function circuitsHash() view returns (bytes32)',
  'function deploymentBlock() view returns (uint256)',
  'function aggregator() view returns (address)',
  'function queueDelaySeconds() view returns (uint64)',
  'function slotFeeWei() view returns (uint256)',
  'function bondWei() view returns (uint256)',
  'function dropRewardWei() view returns (uint256)',
  'function transferProverBps() view returns (uint256)',
  'function updateProverBps() view returns (uint256)',
] as const;

const EVENTS = [
  'event Deposit(uint256 indexed queueIndex, uint32 indexed asset, uint256 value, uint256 owner, uint256 commitment, bytes32 ephemeral, bytes32 ciphertext)',
  'event Forced(uint256 indexed queueIndex, bytes record, address prover, address refund, uint256 anchor, uint256 h, bytes proof)',
  'event Dropped(uint256 indexed queueIndex, address rewarded)',
  'event Settled(uint256 indexed settlementIndex, uint256 noteRoot, uint256 nullRoot, uint256 leafCount, uint256 queueHead)',
  'event AssetRegistered(uint32 indexed id, address indexed token)',
  'event WithdrawalDeferred(address indexed recipient, uint32 indexed asset, uint256 value)',
  'event Claimed(address indexed account, uint32 indexed asset, uint256 amount, address to)',
] as const;

const ERRORS = [
  'error AnchorCount(uint256 got)',
  'error AnchorOrder(uint256 index)',
  'error AnchorReference(uint256 anchorRef, uint256 update)',
  'error AnchorUnknown(uint256 root)',
  'error AnchorUnused(uint256 usedMask)',
  'error AssetUnknown(uint32 id)',
  'error BalanceRise(uint256 expected, uint256 got)',
  'error BondBelowReward(uint256 bondWei, uint256 rewardWei)',
  'error CalldataShape()',
  'error ClaimRefused(address to, uint32 asset)',
  'error DepositValue(uint256 value)',
  'error DevelopmentKeys(uint256 chainId)',
  'error DropNotFirst(uint256 item, uint256 by, uint256 first)',
  'error DropReference(uint256 item, uint256 by)',
  'error DropWithoutConflict(uint256 item, uint256 by)',
  'error FeeAssetNotCanonical(uint256 feeAsset, uint256 fee)',
  'error FeeNotNarrowest(uint256 fee, uint256 width)',
  'error FlagsUnknown(uint256 flags)',
  'error FoldInvalid()',
  'error ForcedLength(uint256 expected, uint256 got)',
  'error ForcedMismatch(uint256 index, bytes32 expected, bytes32 got)',
  'error ForcedTwice(bytes32 recordHash)',
  'error HeaderUnknown(uint256 version, uint256 dataSource)',
  'error KeyBlobLength(uint256 expected, uint256 got)',
  'error KeyDelta(uint256 offset)',
  'error KeyMissing(uint256 id)',
  'error KeyOrder(uint256 id)',
  'error KeyPoint(uint256 offset)',
  'error KeySetIncomplete()',
  'error KeyStoreFailed()',
  'error LeafIndex(uint256 got)',
  'error LengthMismatch(uint256 expected, uint256 got)',
  'error NotATransferCircuit(uint256 id)',
  'error NotAnUpdateCircuit(uint256 id)',
  'error NotDroppable(uint256 index)',
  'error NotInField(uint256 got)',
  'error NotSettler(address caller)',
  'error NotTopLevel(address caller)',
  'error NotYourCredit(address account, address caller)',
  'error NothingToClaim(address account, uint32 asset)',
  'error NullifierRange(uint256 nullifier)',
  'error NullifierTwice(uint256 nullifier)',
  'error OpeningWrong(uint256 expected, uint256 got)',
  'error OverdueFirst(uint256 taken, uint256 transfers)',
  'error PoseidonCall(uint256 inputs)',
  'error PoseidonCode(uint256 inputs, bytes32 expected, bytes32 got)',
  'error ProofMalformed()',
  'error ProverMissing()',
  'error PushStarved(uint256 needed, uint256 got)',
  'error QueueTooShort(uint256 wanted, uint256 waiting)',
  'error RecordFlags(uint256 flags)',
  'error Reentered()',
  'error RefundToNobody()',
  'error SharesTooLarge(uint256 transferProverBps, uint256 updateProverBps)',
  'error SlotCount(uint256 expected, uint256 got)',
  'error SlotsUsed(uint256 update, uint256 used, uint256 least, uint256 most)',
  'error TokenRefused(address token)',
  'error TokenRegistered(address token, uint32 id)',
  'error TokenWithoutCode(address token)',
  'error TreeFull(uint256 startIndex)',
  'error UpdateCount(uint256 updates, uint256 length)',
  'error WithdrawalOfNothing()',
  'error WrongPayment(uint256 expected, uint256 got)',
] as const;

/** Functions, reads, events and errors of the rollup. */
export const ROLLUP_ABI: readonly string[] = [...FUNCTIONS, ...READS, ...EVENTS, ...ERRORS];

let parsed: Interface | undefined;

/** The parsed interface, made on first use. */
export function rollupInterface(): Interface {
  parsed ??= new Interface(ROLLUP_ABI);
  return parsed;
}
