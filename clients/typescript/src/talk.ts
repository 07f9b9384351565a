/** A talk over a WebSocket: said and heard over one line, which is taken up again where it breaks. */

import { AnimaError, ConnectionFailed, UnexpectedAnswer, ofProblem } from "./errors.js";
import { sleep, wait } from "./retries.js";
import type { Wire } from "./wire.js";

/** A frame of the service; see docs/streaming.md for the types and their fields. */
export interface Frame {
  type: string;
  n?: number;
  session_id?: number | null;
  text?: string;
  content?: string;
  answering?: boolean;
  [field: string]: unknown;
}

export interface TalkOptions {
  session_id?: number;
  avatar_id?: string;
  private?: boolean;
  /** The last number that an earlier line heard: what followed comes first. */
  after?: number;
  /** The socket of a deployment; none: that of a server at home. */
  url?: string;
  webSocket?: typeof globalThis.WebSocket;
}

export interface MessageOptions {
  media?: number[];
  model?: string;
  parent_message_id?: number;
  edit_message_id?: number;
}

const REPEATED = new Set(["tool", "tool_result", "approval"]);
const GONE = new Set([1001, 1005, 1006, 1011, 1012, 1013, 4401]);
const TOKEN_EXPIRED = 4401;

type Heard = Frame | AnimaError | { closed: number };

export class Talk {
  sessionId: number | null;
  after: number | null;
  readonly #wire: Wire;
  readonly #options: TalkOptions;
  #line: WebSocket | null = null;
  #heard: Heard[] = [];
  #bell: (() => void) | null = null;
  #waiting: Frame | null = null;
  #bearer = "";
  readonly #calls = new Set<string>();

  constructor(wire: Wire, options: TalkOptions) {
    this.#wire = wire;
    this.#options = options;
    this.sessionId = options.session_id ?? null;
    this.after = options.after ?? null;
  }

  /** Says something and tells what happens until it is answered; the last frame is the answer (`avatar_response`). */
  async *say(content: string, options: MessageOptions = {}): AsyncGenerator<Frame> {
    await this.#open();
    this.#waiting = { type: "message", content, id: crypto.randomUUID(), ...options };
    this.#send(this.#waiting);
    for await (const frame of this.frames()) {
      yield frame;
      if (frame.type === "avatar_response") return;
    }
  }

  /** All that happens, without an end. Throws what an error frame tells. */
  async *frames(): AsyncGenerator<Frame> {
    await this.#open();
    for (;;) {
      const heard = await this.#next();
      if (heard instanceof AnimaError) throw heard;
      if ("closed" in heard && typeof heard.closed === "number") {
        const frame = await this.#resumed(heard.closed);
        if (frame !== null) yield frame;
        continue;
      }
      const frame = heard as Frame;
      if (!this.#isNew(frame)) continue;
      if (frame.type === "error") {
        this.#waiting = null;
        throw ofProblem(frame["error"], 500);
      }
      if (frame.type === "avatar_response") this.#waiting = null;
      yield frame;
    }
  }

  /** Ends the running answer; what was said is kept. */
  stop(): void {
    this.#send({ type: "stop" });
  }

  /** How the avatar is now; between answers. */
  async state(): Promise<Frame> {
    await this.#open();
    this.#send({ type: "get_state" });
    for await (const frame of this.frames()) if (frame.type === "state") return frame;
    throw new UnexpectedAnswer("no state came");
  }

  /** Leaves: a running answer is stopped. */
  close(): void {
    const line = this.#line;
    this.#line = null;
    if (line === null) return;
    if (line.readyState === 1) line.send(JSON.stringify({ type: "leave" }));
    line.close(1000);
  }

  #send(frame: Frame): void {
    if (this.#line?.readyState === 1) this.#line.send(JSON.stringify(frame));
  }

  async #open(): Promise<void> {
    if (this.#line === null) await this.#connect(0);
  }

  /** Takes the talk up again after its line broke; the frame that joined it. */
  async #resumed(code: number): Promise<Frame | null> {
    const error = new ConnectionFailed(`the line was closed (${code})`);
    if (!GONE.has(code)) throw error;
    this.#line = null;
    if (code === TOKEN_EXPIRED) await this.#wire.renewed(this.#bearer);
    await sleep(wait(error, 1, this.#wire.retries, true));
    return this.#connect(1);
  }

  async #connect(made: number): Promise<Frame | null> {
    for (;;) {
      made += 1;
      try {
        return await this.#joined();
      } catch (error) {
        const failed = error instanceof AnimaError ? error : new ConnectionFailed(String(error));
        await sleep(wait(failed, made, this.#wire.retries, true));
      }
    }
  }

  /** Opens the line and joins; says again what was not answered. */
  async #joined(): Promise<Frame | null> {
    this.#bearer = await this.#wire.bearer();
    this.#heard = [];
    const kind = this.#options.webSocket ?? globalThis.WebSocket;
    const line = new kind(this.#options.url ?? socketUrl(this.#wire.url), ["bearer", this.#bearer]);
    this.#line = line;
    line.onmessage = (message) => this.#push(line, parsed(message.data));
    line.onclose = (closed) => this.#push(line, { closed: closed.code });
    line.onerror = () => undefined;
    await new Promise<void>((opened, failed) => {
      line.onopen = () => opened();
      line.onclose = () => failed(new ConnectionFailed(`${line.url} cannot be reached, or refused the key`));
    });
    line.onclose = (closed) => this.#push(line, { closed: closed.code });
    this.#send(this.#join());
    const first = await this.#next();
    if (first instanceof AnimaError) throw first;
    if (!("type" in first) || first.type === "error") throw "type" in first ? ofProblem(first["error"], 500) : cut();
    this.#isNew(first);
    if (this.#waiting !== null && first.answering !== true) this.#send(this.#waiting);
    return first;
  }

  #join(): Frame {
    const { avatar_id, private: alone } = this.#options;
    const after = this.after === null ? {} : { after: this.after };
    if (this.sessionId !== null) return { type: "join", session_id: this.sessionId, ...after };
    return { type: "join", ...(avatar_id ? { avatar_id } : {}), ...(alone ? { private: true } : {}), ...after };
  }

  #push(line: WebSocket, heard: Heard): void {
    if (line !== this.#line) return;
    this.#heard.push(heard);
    this.#bell?.();
  }

  async #next(): Promise<Heard> {
    for (;;) {
      const heard = this.#heard.shift();
      if (heard !== undefined) return heard;
      await new Promise<void>((ring) => {
        this.#bell = ring;
      });
    }
  }

  /** Notes how far was heard; false for what came before, and for what is no frame of ours. */
  #isNew(frame: Frame): boolean {
    if (typeof frame.type !== "string") return false;
    if (typeof frame.session_id === "number") this.sessionId = frame.session_id;
    if (REPEATED.has(frame.type)) {
      const call = `${frame.type} ${String(frame["invocation_id"] ?? `${frame.n} ${String(frame["name"])}`)}`;
      return !this.#calls.has(call) && this.#calls.add(call) !== null;
    }
    if (typeof frame.n !== "number") return true;
    if (this.after !== null && frame.n <= this.after) return false;
    this.after = frame.n;
    return true;
  }
}

function cut(): ConnectionFailed {
  return new ConnectionFailed("the line was closed before the talk was joined");
}

function parsed(data: unknown): Heard {
  try {
    const frame: unknown = JSON.parse(String(data));
    if (typeof frame === "object" && frame !== null && !Array.isArray(frame)) return frame as Frame;
  } catch {
    // told below
  }
  return new UnexpectedAnswer("a frame that is no JSON object");
}

function socketUrl(url: string): string {
  return `${url.replace(/^http/, "ws")}/ws`;
}
