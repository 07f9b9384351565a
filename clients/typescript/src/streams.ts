/** An answer while it comes: iterated event by event, stopped in the middle, whole at the end. */

import { AnimaError, StreamCut, UnexpectedAnswer, ofProblem } from "./errors.js";
import type { components } from "./schema.js";
import { events, type ServerEvent } from "./sse.js";

export type Answer = components["schemas"]["AnswerView"];

export interface Started {
  type: "started";
  session_id: number;
  message_id: number;
  request_id: number;
}
export interface Token {
  type: "token";
  index: number;
  text: string;
}
export interface Done {
  type: "done";
  answer: Answer;
}
/** Tools (`tool`, `tool_result`, `approval`), and what a newer service tells besides. */
export interface Told {
  type: "tool" | "tool_result" | "approval" | "other";
  name: string;
  data: Record<string, unknown>;
}
export type TurnEvent = Started | Token | Done | Told;

const TOOLS = new Set(["tool", "tool_result", "approval"]);

/** A turn's events, for `for await`; leaving the loop stops the answer, and what was said is kept. */
export class TurnStream implements AsyncIterable<TurnEvent> {
  /** The words so far. */
  text = "";
  started: Started | null = null;
  stopped = false;
  #answer: Answer | null = null;
  #waits = false;
  readonly #abort = new AbortController();
  readonly #open: (signal: AbortSignal) => Promise<Response>;

  constructor(open: (signal: AbortSignal) => Promise<Response>) {
    this.#open = open;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TurnEvent> {
    try {
      const response = await this.#open(this.#abort.signal);
      if (response.body === null) throw new UnexpectedAnswer("a stream without a body");
      for await (const event of events(response.body)) {
        yield this.#note(read(event));
        if (this.stopped) return;
      }
    } catch (error) {
      if (this.stopped) return;
      if (error instanceof AnimaError) throw error;
      throw this.#cut();
    } finally {
      this.#abort.abort();
    }
    if (this.#answer === null && !this.#waits) throw this.#cut();
  }

  /** Only the words. */
  async *words(): AsyncGenerator<string> {
    for await (const event of this) if (event.type === "token") yield event.text;
  }

  /** Hears the rest and answers the whole. */
  async finish(): Promise<Answer> {
    for await (const event of this) void event;
    return this.answer;
  }

  /** The whole answer; throws StreamCut where the stream has not told it. */
  get answer(): Answer {
    if (this.#answer === null) throw this.#cut();
    return this.#answer;
  }

  /** Ends the answer here; what was said is kept. */
  stop(): void {
    this.stopped = true;
    this.#abort.abort();
  }

  #note(event: TurnEvent): TurnEvent {
    if (event.type === "started") this.started = event;
    else if (event.type === "token") this.text += event.text;
    else if (event.type === "done") this.#answer = event.answer;
    else if (event.type === "approval") this.#waits = true;
    return event;
  }

  #cut(): StreamCut {
    return new StreamCut(this.text, this.started);
  }
}

function read(event: ServerEvent): TurnEvent {
  let told: unknown;
  try {
    told = JSON.parse(event.data);
  } catch {
    told = null;
  }
  if (typeof told !== "object" || told === null || Array.isArray(told)) {
    throw new UnexpectedAnswer(`${event.name}: an event that is no JSON of ours`);
  }
  if (event.name === "error") throw ofProblem(told, 500);
  if (event.name === "started") return { ...(told as Omit<Started, "type">), type: "started" };
  if (event.name === "token") return { ...(told as Omit<Token, "type">), type: "token" };
  if (event.name === "done") return { type: "done", answer: told as Answer };
  const type = TOOLS.has(event.name) ? (event.name as Told["type"]) : "other";
  return { type, name: event.name, data: told as Record<string, unknown> };
}
