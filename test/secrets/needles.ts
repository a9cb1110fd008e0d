/** Every spelling in which a secret might be lying about, as bytes to search for. */

/** A name for messages, and what must not be found under it. */
export interface Secret {
  readonly name: string;
  /** Amounts are shown to their owner, keys to nobody. */
  readonly kind: 'key' | 'amount';
  readonly needles: readonly Buffer[];
}

/** Shorter needles would be found by accident. */
const NEEDLE_MIN_BYTES = 8;

/** A scalar, field element or amount. */
export function secretNumber(name: string, value: bigint, kind: Secret['kind'] = 'key'): Secret {
  const hex = value.toString(16);
  const words = [32, 16].filter((size) => hex.length <= 2 * size).map((size) => Buffer.from(hex.padStart(2 * size, '0'), 'hex'));
  const [least] = [Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex')];
  const texts = [value.toString(), hex, hex.toUpperCase()].map((text) => Buffer.from(text));
  return secret(name, kind, [...texts, ...[least as Buffer, ...words].flatMap(spellings)]);
}

export function secretBytes(name: string, bytes: Uint8Array): Secret {
  return secret(name, 'key', spellings(Buffer.from(bytes)));
}

/** A text, whole; `parts` names pieces of it that would betray it too. */
export function secretText(name: string, text: string, parts: readonly string[] = []): Secret {
  const needles = [text, ...parts].flatMap((one) => [Buffer.from(one), Buffer.from(one, 'utf16le'), ...spellings(Buffer.from(one))]);
  return secret(name, 'key', needles);
}

/** Both byte orders, each raw, in hexadecimal of both cases, in base64 at each alignment, and as a list of numbers. */
function spellings(bytes: Buffer): Buffer[] {
  return [bytes, Buffer.from(bytes).reverse()].flatMap((order) => [
    order,
    Buffer.from(order.toString('hex')),
    Buffer.from(order.toString('hex').toUpperCase()),
    Buffer.from([...order].join(',')),
    ...base64At(order),
  ]);
}

/** What of a base64 text stays the same whatever stands before and behind. */
function base64At(bytes: Buffer): Buffer[] {
  // Six bits a letter: k bytes before shift the letters, and those that hold a foreign bit are left out.
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replaceAll('=', '');
    const own = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')].map((one) => Buffer.from(one));
  });
}

function secret(name: string, kind: Secret['kind'], needles: readonly Buffer[]): Secret {
  const unique = new Map(needles.filter(({ length }) => length >= NEEDLE_MIN_BYTES).map((needle) => [needle.toString('latin1'), needle]));
  return { name, kind, needles: [...unique.values()] };
}

/** `secret in haystack` for each that is found. */
export function found(secrets: readonly Secret[], haystacks: ReadonlyMap<string, Buffer>, shown: ReadonlySet<string>): string[] {
  const hits: string[] = [];
  for (const [place, bytes] of haystacks)
    for (const { name, kind, needles } of secrets) {
      if (kind === 'amount' && shown.has(place)) continue;
      if (needles.some((needle) => bytes.includes(needle))) hits.push(`${name} in ${place}`);
    }
  return hits;
}
