/**
 * OpenTelemetry traces that follow a payment from its acceptance to its settlement.
 *
 *   payment (node)          accepted ─────────────────────────────────▶ settled or failed
 *     queued, proving, …      one span a stage, as long as the payment stood in it (node)
 *     prove transfer_1        from the job's being taken to its end (worker)
 *
 * Sent by OTLP over HTTP to a collector; without one, nothing here is started. Spans carry hashes, stages and circuits.
 */
import { type Attributes, SpanStatusCode, type Tracer } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { WorkerObserver } from '../prover/observer.js';
import type { NodeEvent, TransferStatus } from '../queue/service.js';
import { PaymentIds, underPayment } from './traceIds.js';

export interface Traces {
  readonly followPayments: (subscribe: (listener: (event: NodeEvent) => void) => () => void) => () => void;
  readonly observer: WorkerObserver;
  /** Sends what has not been sent. */
  close(): Promise<void>;
}

const STAGES = ['queued', 'proving', 'proven', 'confirmed', 'sealed', 'settled'] as const;

/** @param collectorUrl of OTLP over HTTP, e.g. http://127.0.0.1:4318 */
export function startTraces(part: 'node' | 'worker', collectorUrl: string): Traces {
  const ids = new PaymentIds();
  const provider = new BasicTracerProvider({
    resource: resourceFromAttributes({ 'service.name': `tacit-${part}` }),
    idGenerator: ids,
    spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url: `${collectorUrl.replace(/\/$/, '')}/v1/traces` }))],
  });
  const tracer = provider.getTracer('tacit');
  return {
    followPayments: (subscribe) =>
      subscribe((event) => {
        if (event.type !== 'transfer') return;
        const { status } = event.transfer;
        if (status === 'settled' || status === 'failed') writePayment(tracer, ids, event.transfer);
      }),
    observer: jobSpans(tracer),
    close: () => provider.shutdown(),
  };
}

/** Written at its end, when all its times are known: a span that is never ended is never sent. */
function writePayment(tracer: Tracer, ids: PaymentIds, { id, status, times, reason, prover, settlementTx }: TransferStatus): void {
  const passed = STAGES.flatMap((stage) => (times[stage] === undefined ? [] : [{ stage, atMs: times[stage] as number }]));
  const first = passed[0];
  if (first === undefined) return;
  const endMs = status === 'settled' ? (passed.at(-1)?.atMs ?? first.atMs) : Date.now();
  const attributes: Attributes = {
    'tacit.payment': id,
    'tacit.status': status,
    ...(prover === undefined ? {} : { 'tacit.prover': prover }),
    ...(settlementTx === undefined ? {} : { 'tacit.settlement_tx': settlementTx }),
  };
  const root = ids.asRoot(id, () => tracer.startSpan('payment', { startTime: first.atMs, attributes, root: true }));
  if (status === 'failed') root.setStatus({ code: SpanStatusCode.ERROR, ...(reason === undefined ? {} : { message: reason }) });
  for (const [i, { stage, atMs }] of passed.entries()) {
    if (stage === 'settled') continue;
    tracer.startSpan(stage, { startTime: atMs }, underPayment(id)).end(passed[i + 1]?.atMs ?? endMs);
  }
  root.end(endMs);
}

/** A job that proves several payments is a span in the trace of each. */
function jobSpans(tracer: Tracer): WorkerObserver {
  return {
    taken: () => {},
    ended: ({ job, circuit, payments, takenMs, endedMs, outcome, code }) => {
      for (const payment of payments) {
        const attributes: Attributes = { 'tacit.job': job, 'tacit.circuit': circuit, 'tacit.outcome': outcome };
        const span = tracer.startSpan(`prove ${circuit}`, { startTime: takenMs, attributes }, underPayment(payment));
        if (code !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: code });
        span.end(endedMs);
      }
    },
  };
}
