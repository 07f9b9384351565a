/** A deployment of Anima: every route by its path (`api`), typed by its OpenAPI document, and what is done often by name. */

import createFetch, { type Client } from "openapi-fetch";

import { AnimaError } from "./errors.js";
import { Jobs } from "./jobs.js";
import { all, every, good } from "./pages.js";
import { sleep } from "./retries.js";
import type { components, paths } from "./schema.js";
import { TurnStream, type Answer } from "./streams.js";
import { Talk, type TalkOptions } from "./talk.js";
import { Wire, type Options } from "./wire.js";

type Schemas = components["schemas"];
export type Session = Schemas["SessionAnswer"];
export type Message = Schemas["MessageAnswer"];
export type Avatar = Schemas["AvatarAnswer"];
export type Fact = Schemas["FactOut"];
export type Episode = Schemas["EpisodeOut"];
export type MemoryHit = Schemas["Hit"];
export type Affinity = Schemas["AffinityAnswer"];
export type Document = Schemas["DocumentAnswer"];
export type SearchResult = Schemas["FoundChunks"];
export type SnapshotTaken = Schemas["TakenOut"];
export type Feedback = Schemas["FeedbackView"];

export interface MessageBody {
  avatar_id?: string;
  parent_message_id?: number;
  edit_message_id?: number;
  media?: number[];
  model?: string;
}

const AT_WORK = new Set(["queued", "running"]);

export class Anima extends Jobs {
  /** Every route: `anima.api.GET("/api/v1/avatars/{avatar_id}", { params: { path: { avatar_id } } })`. Errors are thrown. */
  readonly api: Client<paths>;
  readonly #wire: Wire;
  readonly #options: Options;

  constructor(options: Options) {
    super();
    this.#options = options;
    this.#wire = new Wire(options);
    this.api = createFetch<paths>({ baseUrl: this.#wire.url, fetch: this.#wire.send });
  }

  /** A new session with an avatar, by its id or its name. */
  async createSession(body: Schemas["NewSession"] = {} as Schemas["NewSession"]): Promise<Session> {
    return good(await this.api.POST("/api/v1/sessions", { body }));
  }

  /** Says something and waits for the whole answer. Without a session a new one begins. */
  async sendMessage(sessionId: number | null, message: string, more: MessageBody = {}): Promise<Answer> {
    const body = { message, session_id: sessionId, ...more } as Schemas["TurnBody"];
    return good(await this.api.POST("/api/v1/chat", { body })) as Answer;
  }

  /** Says something and hears the answer as it comes. */
  streamMessage(sessionId: number | null, message: string, more: MessageBody = {}): TurnStream {
    const body = JSON.stringify({ message, session_id: sessionId, stream: true, ...more });
    const headers = { "Content-Type": "application/json", Accept: "text/event-stream" };
    return new TurnStream((signal) =>
      this.#wire.send(`${this.#wire.url}/api/v1/chat`, { method: "POST", body, headers, signal }),
    );
  }

  /** A talk over a WebSocket. */
  converse(options: TalkOptions = {}): Talk {
    return new Talk(this.#wire, { webSocket: this.#options.webSocket, ...options });
  }

  /** Your sessions, newest first, page after page. */
  listSessions(): AsyncGenerator<Session> {
    return every((cursor) => this.api.GET("/api/v1/sessions", { params: { query: { limit: 200, cursor } } }).then(good));
  }

  /** What was said in a session. */
  listMessages(session_id: number): AsyncGenerator<Message> {
    return every((cursor) =>
      this.api
        .GET("/api/v1/sessions/{session_id}/messages", { params: { path: { session_id }, query: { limit: 200, cursor } } })
        .then(good),
    );
  }

  /** What the avatar of a session remembers of something, best first. */
  async searchMemories(sessionId: number, query: string, topK = 10): Promise<MemoryHit[]> {
    const avatar_id = await this.#avatarOf(sessionId);
    const body = { query, top_k: topK } as Schemas["SearchBody"];
    const path = "/api/v1/avatars/{avatar_id}/memories/search";
    return good(await this.api.POST(path, { params: { path: { avatar_id } }, body })).hits;
  }

  /** The facts that the avatar of a session knows. */
  async getFacts(sessionId: number, category?: string): Promise<Fact[]> {
    const avatar_id = await this.#avatarOf(sessionId);
    const path = "/api/v1/avatars/{avatar_id}/facts";
    return all((cursor) =>
      this.api.GET(path, { params: { path: { avatar_id }, query: { category, limit: 200, cursor } } }).then(good),
    );
  }

  /** What the avatar of a session has lived through with you. */
  async getEpisodes(sessionId: number, minImportance?: number): Promise<Episode[]> {
    const avatar_id = await this.#avatarOf(sessionId);
    const query = { min_importance: minImportance, limit: 200 };
    const path = "/api/v1/avatars/{avatar_id}/episodes";
    return all((cursor) => this.api.GET(path, { params: { path: { avatar_id }, query: { ...query, cursor } } }).then(good));
  }

  /** How close you and the avatar of a session are. */
  async getAffinity(sessionId: number): Promise<Affinity> {
    const avatar_id = await this.#avatarOf(sessionId);
    return good(await this.api.GET("/api/v1/avatars/{avatar_id}/affinity", { params: { path: { avatar_id } } }));
  }

  /** The avatar of a session with all that it is and knows, as one signed file. */
  async exportSnapshot(sessionId: number, options: { media?: boolean } = {}): Promise<Uint8Array> {
    const avatar = await this.#avatarOf(sessionId);
    const place = `${this.#wire.url}/api/v1/avatars/${avatar}/snapshot?media=${options.media ?? false}`;
    return new Uint8Array(await (await this.#wire.send(place)).arrayBuffer());
  }

  /** Takes in a snapshot for the caller, who has to be `userId` where that is given. */
  async importSnapshot(file: Uint8Array, userId?: number, options: { name?: string; into?: string } = {}): Promise<SnapshotTaken> {
    if (userId !== undefined && good(await this.api.GET("/api/v1/users/me")).user_id !== userId) {
      throw new AnimaError(`a snapshot is taken in by the person that it is for: this key is not of user ${userId}`);
    }
    const query = new URLSearchParams(Object.entries(options).filter((one): one is [string, string] => !!one[1]));
    const type = file[0] === 0x50 && file[1] === 0x4b ? "application/zip" : "application/json";
    const init = { method: "POST", body: file as BufferSource, headers: { "Content-Type": type } };
    const answer = await this.#wire.send(`${this.#wire.url}/api/v1/snapshots?${query}`, init);
    return (await answer.json()) as SnapshotTaken;
  }

  /** Brings in a text or a file and waits until it is read; `onProgress` hears how far it is. */
  async ingest(
    content: string | Blob,
    options: { name?: string; title?: string; purpose?: string; onProgress?: (document: Document) => void } = {},
  ): Promise<Document> {
    const form = new FormData();
    form.set("file", typeof content === "string" ? new Blob([content]) : content, options.name ?? "text.txt");
    form.set("purpose", options.purpose ?? "context");
    if (options.title) form.set("title", options.title);
    const answer = await this.#wire.send(`${this.#wire.url}/api/v1/documents`, { method: "POST", body: form });
    const queued = (await answer.json()) as { document_id: number } | { document_id: number }[];
    const document_id = (Array.isArray(queued) ? queued[0] : queued)?.document_id ?? 0;
    for (let pause = 0.1; ; pause = Math.min(pause * 1.5, 2)) {
      const params = { path: { document_id } };
      const document = good(await this.api.GET("/api/v1/documents/{document_id}", { params }));
      options.onProgress?.(document);
      if (!AT_WORK.has(document.state)) return document;
      await sleep(pause);
    }
  }

  /** Passages of documents, best first. */
  async search(query: string, more: Partial<Schemas["DocumentSearch"]> = {}): Promise<SearchResult> {
    return good(await this.api.POST("/api/v1/search", { body: { query, ...more } as Schemas["DocumentSearch"] }));
  }

  /** Rates an answer from 1 (bad) to 5 (good). */
  async giveFeedback(response_id: number, rating: number, comment?: string): Promise<Feedback> {
    const params = { path: { response_id } };
    return good(await this.api.POST("/api/v1/responses/{response_id}/feedback", { params, body: { rating, comment } }));
  }

  protected sent(path: string, init?: RequestInit): Promise<Response> {
    return this.#wire.send(`${this.#wire.url}${path}`, init);
  }

  async #avatarOf(session_id: number): Promise<string> {
    const session = good(await this.api.GET("/api/v1/sessions/{session_id}", { params: { path: { session_id } } }));
    if (session.avatar_id === null) throw new AnimaError(`the avatar of session ${session_id} has been deleted`);
    return session.avatar_id;
  }
}
