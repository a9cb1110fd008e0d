/**
 * Where a farm's Redis is, as one line of text that a setting or REDIS_URL can hold.
 *
 *   redis[s]://[user:password@]host[:port][/db]                                      one server
 *   redis[s]-cluster://[user:password@]host[:port],host[:port],…                     a Redis Cluster; some of its nodes
 *   redis[s]-sentinel://[user:password@]host[:port],…/name[/db][?sentinelPassword=…]  the master that these sentinels name
 *
 * User and password are the servers'; sentinels that ask for one of their own get it from the query (`sentinelUser`,
 * `sentinelPassword`). `s` asks for TLS, to sentinels too. Names and passwords are percent-encoded, as in any URL.
 */
import { TacitError } from '../protocol/errors.js';

export interface RedisHost {
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly username?: string;
  readonly password?: string;
}

export type RedisPlace =
  | { readonly kind: 'single'; readonly url: string }
  | { readonly kind: 'cluster'; readonly nodes: readonly RedisHost[]; readonly tls: boolean; readonly login: Credentials }
  | {
      readonly kind: 'sentinel';
      readonly sentinels: readonly RedisHost[];
      /** What the sentinels call the master. */
      readonly name: string;
      readonly db: number;
      readonly tls: boolean;
      readonly login: Credentials;
      readonly sentinelLogin: Credentials;
    };

const REDIS_PORT = 6_379;
const SENTINEL_PORT = 26_379;
const MAX_PORT = 65_535;
const FORM = /^redis(s?)-(cluster|sentinel):\/\/(?:([^@/]*)@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/;
const EXPECTED = 'redis://host:port, redis-cluster://host:port,host:port or redis-sentinel://host:port,host:port/name';

/** @throws TacitError REDIS_URL */
export function parseRedisUrl(url: string): RedisPlace {
  if (/^rediss?:\/\//.test(url)) return { kind: 'single', url };
  const parts = FORM.exec(url);
  if (parts === null) throw malformed(url);
  const [, secure, kind, userInfo = '', hosts = '', path = '', query = ''] = parts;
  const tls = secure === 's';
  const login = credentials(...(userInfo.split(/:(.*)/s) as [string, string?]));
  if (kind === 'cluster') {
    // A cluster has one database.
    if (path !== '' || query !== '') throw malformed(url);
    return { kind, nodes: hostList(hosts, REDIS_PORT, url), tls, login };
  }
  const [name = '', db = '0', ...rest] = path.split('/');
  if (name === '' || !/^\d{1,4}$/.test(db) || rest.length > 0) throw malformed(url);
  const asked = new URLSearchParams(query);
  const sentinelLogin = credentials(
    encodeURIComponent(asked.get('sentinelUser') ?? ''),
    encodeURIComponent(asked.get('sentinelPassword') ?? ''),
  );
  const sentinels = hostList(hosts, SENTINEL_PORT, url);
  return { kind: 'sentinel', sentinels, name: decodeURIComponent(name), db: Number(db), tls, login, sentinelLogin };
}

/** Removes passwords from a URL so that it may be printed, also one with a slash or an @ in it that should have been encoded. */
export function redactUrl(url: string): string {
  return url.replace(/\/\/.*@/s, '//***@').replace(/(sentinelPassword=)[^&]*/, '$1***');
}

function credentials(username: string, password = ''): Credentials {
  return {
    ...(username === '' ? {} : { username: decodeURIComponent(username) }),
    ...(password === '' ? {} : { password: decodeURIComponent(password) }),
  };
}

function hostList(list: string, usualPort: number, url: string): RedisHost[] {
  return list.split(',').map((entry) => {
    const [, bracketed, plain, port] = /^(?:\[([0-9A-Fa-f:]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(entry) ?? [];
    const host = bracketed ?? plain;
    const number = port === undefined ? usualPort : Number(port);
    if (host === undefined || number < 1 || number > MAX_PORT) throw malformed(url);
    return { host, port: number };
  });
}

function malformed(url: string): TacitError {
  return new TacitError('REDIS_URL', 'not the address of a Redis', {
    expected: EXPECTED,
    got: redactUrl(url),
    docs: 'how-to/operate-a-farm.md',
  });
}
