/** What the wallet scenario and the wallet that it kills tell each other. */
export type WalletAct = 'pay' | 'deposit' | 'withdraw' | 'scan';

export interface WalletOrder {
  readonly act: WalletAct;
  readonly path: string;
  readonly passphrase: string;
  readonly rpcUrl: string;
  readonly contract: string;
  readonly nodeUrl: string;
  /** Tacit address to pay, L1 address to withdraw to, L1 key to deposit from. */
  readonly payee: string;
  readonly recipient: string;
  readonly depositor: string;
  readonly valueWei: string;
  readonly death?: WalletDeath;
}

/** Ends the process at this passage (from 1) of this point. */
export interface WalletDeath {
  readonly point: WalletPoint;
  readonly passage: number;
}

/** Where the wallet touches the world: its file, the node, the chain. */
export type WalletPoint = 'disk:before' | 'disk:after' | 'node:before' | 'node:after' | 'chain:before';

export interface WalletReport {
  readonly passages: Readonly<Partial<Record<WalletPoint, number>>>;
}
