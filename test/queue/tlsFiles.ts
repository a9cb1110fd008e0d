/** A certificate authority of a test's own, and a server certificate by it, made with openssl in a folder. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Paths. */
export interface TlsFiles {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** @param names as in subjectAltName: `IP:127.0.0.1`, `DNS:localhost` */
export function makeTlsFiles(dir: string, names: readonly string[]): TlsFiles {
  const path = (name: string) => join(dir, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  openssl('req', '-x509', ...key, '-days', '2', '-subj', '/CN=tests only', '-keyout', path('ca.key'), '-out', path('ca.pem'));
  openssl('req', ...key, '-subj', '/CN=redis of a test', '-keyout', path('server.key'), '-out', path('server.csr'));
  writeFileSync(path('names'), `subjectAltName=${names.join(',')}\n`);
  const signing = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-days', '2', '-extfile', path('names')];
  openssl('x509', '-req', '-in', path('server.csr'), ...signing, '-out', path('server.pem'));
  return { ca: path('ca.pem'), cert: path('server.pem'), key: path('server.key') };
}
