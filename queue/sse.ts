/**
 * The reading end of server-sent events, on a byte stream.
 * Source: WHATWG HTML, section 9.2 "Server-sent events" (comments, `retry`, `id`, `event`, multi-line `data`).
 */
export interface SseMessage {
  id?: string;
  event: string;
  data: string;
}

/** Messages in order; ends with the stream. An unfinished last message is dropped, as the standard says. */
export async function* readEventStream(body: ReadableStream<Uint8Array>): AsyncGenerator<SseMessage, void, void> {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let pending = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      pending += decoder.decode(value, { stream: true }).replaceAll('\r', '');
      for (let end = pending.indexOf('\n\n'); end >= 0; end = pending.indexOf('\n\n')) {
        const message = parseMessage(pending.slice(0, end));
        pending = pending.slice(end + 2);
        if (message !== undefined) yield message;
      }
    }
  } finally {
    await reader.cancel().catch(() => {});
  }
}

function parseMessage(block: string): SseMessage | undefined {
  const message: SseMessage = { event: 'message', data: '' };
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
    if (name === 'data') data.push(value);
    else if (name === 'event') message.event = value;
    else if (name === 'id') message.id = value;
  }
  if (data.length === 0) return undefined;
  message.data = data.join('\n');
  return message;
}
