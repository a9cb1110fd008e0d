/**
 * A payment's trace has an id that every process can compute: node and worker write into the same trace without handing
 * anything to one another. Trace id = bytes 0–15 of the record's hash, root span = bytes 16–23 (W3C Trace Context,
 * section 3.2.2: 16 and 8 bytes). The hash is public: it follows from the settlement.
 */
import { type Context, ROOT_CONTEXT, TraceFlags, trace } from '@opentelemetry/api';
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace-base';

const TRACE_ID_DIGITS = 32;
const SPAN_ID_DIGITS = 16;

export interface PaymentTrace {
  readonly traceId: string;
  readonly rootSpanId: string;
}

/** @param payment 32 bytes as 0x-hex */
export function paymentTrace(payment: string): PaymentTrace {
  const digits = payment.slice(2);
  return { traceId: digits.slice(0, TRACE_ID_DIGITS), rootSpanId: digits.slice(TRACE_ID_DIGITS, TRACE_ID_DIGITS + SPAN_ID_DIGITS) };
}

/** Context in which a new span becomes a child of the payment's root span. */
export function underPayment(payment: string): Context {
  const { traceId, rootSpanId } = paymentTrace(payment);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId: rootSpanId, traceFlags: TraceFlags.SAMPLED, isRemote: true });
}

/** Random ids, but for the next root span, which may be told its own. */
export class PaymentIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: PaymentTrace | undefined;

  /** The span started by `start` is the root of the payment's trace. `start` must not wait. */
  asRoot<T>(payment: string, start: () => T): T {
    this.#next = paymentTrace(payment);
    try {
      return start();
    } finally {
      this.#next = undefined;
    }
  }

  generateTraceId = (): string => this.#next?.traceId ?? this.#random.generateTraceId();
  generateSpanId = (): string => this.#next?.rootSpanId ?? this.#random.generateSpanId();
}
