import { TypedDataEncoder, verifyTypedData, Wallet } from 'ethers';
import { describe, expect, it } from 'vitest';
import { bytesToHex, hexToBytes } from '../../protocol/bytes.js';
import { evmAddressOfKey, recoverSigner, signerFromKey } from '../../protocol/eip712.js';
import { signSoftConfirmation, softConfirmationDigest, verifySoftConfirmation } from '../../protocol/softConfirmation.js';
import { codeOf, DOMAIN } from './arbitraries.js';

const privateKey = hexToBytes(`0x${'42'.repeat(32)}`);
const operator = evmAddressOfKey(privateKey);
const content = { recordHash: `0x${'ab'.repeat(32)}`, sequence: 7, sealedIndex: 0 };
const ethersDomain = { name: 'Tacit', version: '1', chainId: DOMAIN.chainId, verifyingContract: DOMAIN.contract };
const types = {
  SoftConfirmation: [
    { name: 'recordHash', type: 'bytes32' },
    { name: 'sequence', type: 'uint64' },
    { name: 'sealedIndex', type: 'uint64' },
  ],
};

describe('soft confirmation', () => {
  it('has the digest that ethers computes and a signature that ethers verifies', async () => {
    expect(bytesToHex(softConfirmationDigest(content, DOMAIN))).toBe(TypedDataEncoder.hash(ethersDomain, types, content));
    const { signature } = await signSoftConfirmation(content, DOMAIN, signerFromKey(privateKey));
    expect(verifyTypedData(ethersDomain, types, content, signature).toLowerCase()).toBe(operator);
    expect(new Wallet(bytesToHex(privateKey)).address.toLowerCase()).toBe(operator);
  });

  it('verifies what the operator signed', async () => {
    verifySoftConfirmation(await signSoftConfirmation(content, DOMAIN, signerFromKey(privateKey)), DOMAIN, operator);
  });

  it('A7: another hash, number, seal, chain or contract is not what was signed', async () => {
    const signed = await signSoftConfirmation(content, DOMAIN, signerFromKey(privateKey));
    for (const altered of [{ recordHash: `0x${'ac'.repeat(32)}` }, { sequence: 8 }, { sealedIndex: 1 }]) {
      expect(codeOf(() => verifySoftConfirmation({ ...signed, ...altered }, DOMAIN, operator))).toBe('SOFT_CONFIRMATION_SIGNER');
    }
    expect(codeOf(() => verifySoftConfirmation(signed, { ...DOMAIN, chainId: 1n }, operator))).toBe('SOFT_CONFIRMATION_SIGNER');
    expect(codeOf(() => verifySoftConfirmation(signed, { ...DOMAIN, contract: operator }, operator))).toBe('SOFT_CONFIRMATION_SIGNER');
  });

  it('A12: refuses the twin signature with high s, a foreign v and a wrong size', async () => {
    const digest = softConfirmationDigest(content, DOMAIN);
    const { signature } = await signSoftConfirmation(content, DOMAIN, signerFromKey(privateKey));
    const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
    const highS = (order - BigInt(`0x${signature.slice(66, 130)}`)).toString(16).padStart(64, '0');
    const twinV = signature.endsWith('1b') ? '1c' : '1b';
    expect(recoverSigner(digest, signature)).toBe(operator);
    expect(codeOf(() => recoverSigner(digest, `${signature.slice(0, 66)}${highS}${twinV}`))).toBe('SIGNATURE_INVALID');
    expect(codeOf(() => recoverSigner(digest, `${signature.slice(0, 130)}00`))).toBe('SIGNATURE_INVALID');
    expect(codeOf(() => recoverSigner(digest, signature.slice(0, 130)))).toBe('SIGNATURE_INVALID');
    expect(codeOf(() => recoverSigner(digest, 'not hexadecimal'))).toBe('SIGNATURE_INVALID');
    expect(codeOf(() => recoverSigner(digest, `0x${'00'.repeat(64)}1b`))).toBe('SIGNATURE_INVALID');
  });
});
