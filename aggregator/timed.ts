/**
 * A port whose calls end in time. The Redis client holds commands back while its server is away, for as long as it takes;
 * a node that waited with them would neither confirm nor settle meanwhile. What comes late is done late: every call of the
 * queue may be repeated.
 */
import { TacitError } from '../protocol/errors.js';

/** The same object, each method failing with QUEUE_TIMEOUT (retryable) when it has not answered after `limitMs`. */
export function timed<P extends object>(port: P, limitMs: number): P {
  return new Proxy(port, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => within(Promise.resolve(Reflect.apply(value, target, args)), String(property), limitMs);
    },
  });
}

async function within<T>(work: Promise<T>, what: string, limitMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new TacitError('QUEUE_TIMEOUT', `the queue does not answer: ${what}`, {
            expected: `an answer within ${limitMs} ms`,
            retryable: true,
          }),
        ),
      limitMs,
    );
  });
  // Nobody waits for what comes after the deadline.
  work.catch(() => {});
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
