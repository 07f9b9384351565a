/** Server-sent events out of the bytes of a stream, however these are cut. */

import { UnexpectedAnswer } from "./errors.js";

export interface ServerEvent {
  name: string;
  data: string;
}

const MOST_CHARACTERS = 16_000_000;

export async function* events(body: ReadableStream<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  let event: { name: string; data: string[] } = { name: "", data: [] };
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      rest += decoder.decode(value, { stream: true });
      if (rest.length > MOST_CHARACTERS) throw new UnexpectedAnswer("an event that does not end");
      const lines = rest.split("\n");
      rest = lines.pop() ?? "";
      for (const raw of lines) {
        const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
        if (line !== "") {
          take(event, line);
          continue;
        }
        if (event.data.length > 0) yield { name: event.name || "message", data: event.data.join("\n") };
        event = { name: "", data: [] };
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function take(event: { name: string; data: string[] }, line: string): void {
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
  if (name === "event") event.name = value;
  else if (name === "data") event.data.push(value);
}
