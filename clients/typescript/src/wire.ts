/** A `fetch` with credentials, Idempotency-Keys and retries: what every call of the client goes through. */

import { AnimaError, ConnectionFailed, Unauthenticated, ofResponse } from "./errors.js";
import { RETRIES, sleep, wait, type Retries } from "./retries.js";

export interface Tokens {
  access_token: string;
  refresh_token: string;
  expires_in: number;
}

export interface Options {
  /** Where the service is: `https://anima.example.org`. */
  url: string;
  /** An API key; or instead: */
  key?: string;
  username?: string;
  password?: string;
  /** Tokens of an earlier sign-in. */
  tokens?: Tokens;
  /** Hears each new pair of tokens. */
  onTokens?: (tokens: Tokens) => void;
  /** Seconds until the service has to begin its answer. */
  timeout?: number;
  retries?: Partial<Retries>;
  /** In place of the one that is there. */
  fetch?: typeof globalThis.fetch;
  /** In place of the one that is there (Node.js before 22 has none). */
  webSocket?: typeof globalThis.WebSocket;
}

const EARLY_MS = 20_000;
const READING = new Set(["GET", "HEAD"]);

/** What is never sent again: it takes no key. */
const UNKEYED = /\/api\/v1\/(token(\/|$)|password$)/;

export class Wire {
  readonly url: string;
  readonly retries: Retries;
  readonly #options: Options;
  readonly #fetch: typeof globalThis.fetch;
  #tokens: Tokens | null;
  #until = 0;
  #renewing: Promise<void> | null = null;

  constructor(options: Options) {
    this.#options = options;
    this.url = options.url.replace(/\/+$/, "");
    this.retries = { ...RETRIES, ...options.retries };
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#tokens = options.tokens ?? null;
    if (this.#tokens !== null) this.#until = Date.now() + this.#tokens.expires_in * 1000;
    if (!options.key && !options.tokens && (!options.username || !options.password)) {
      throw new AnimaError("there is no key: give `key`, or a username and a password");
    }
  }

  /** The good answer to a request, after as many attempts as are allowed. */
  send = async (input: Request | string, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const reading = READING.has(request.method);
    const keyed = !reading && !UNKEYED.test(new URL(request.url).pathname);
    const headers = new Headers(request.headers);
    if (keyed && !headers.has("Idempotency-Key")) headers.set("Idempotency-Key", crypto.randomUUID());
    const body = reading || request.body === null ? null : await request.arrayBuffer();
    let renewed = false;
    for (let made = 1; ; made++) {
      const bearer = await this.bearer();
      headers.set("Authorization", `Bearer ${bearer}`);
      const error = await this.#attempt(request, headers, body);
      if (error instanceof Response) return error;
      if (error instanceof Unauthenticated && !renewed && (await this.renewed(bearer))) {
        renewed = true;
        continue;
      }
      await sleep(wait(error, made, this.retries, reading || keyed), request.signal);
    }
  };

  /** What is sent as a credential now, renewed where it is due. */
  async bearer(): Promise<string> {
    if (this.#options.key) return this.#options.key;
    if (this.#tokens === null || Date.now() > this.#until - EARLY_MS) await this.#renew();
    return this.#tokens?.access_token ?? "";
  }

  /** Whether there are other credentials now than those that were refused. */
  async renewed(refused: string): Promise<boolean> {
    if (this.#options.key) return false;
    if (this.#tokens?.access_token === refused) await this.#renew();
    return true;
  }

  async #attempt(request: Request, headers: Headers, body: ArrayBuffer | null): Promise<Response | AnimaError> {
    const alarm = new AbortController();
    const timer = setTimeout(() => alarm.abort(new Error("it says nothing")), (this.#options.timeout ?? 120) * 1000);
    try {
      const response = await this.#fetch(request.url, {
        method: request.method,
        headers,
        body,
        signal: AbortSignal.any([request.signal, alarm.signal]),
      });
      return response.ok ? response : await ofResponse(response);
    } catch (error) {
      if (request.signal.aborted) throw error;
      return new ConnectionFailed(`${this.url} cannot be reached: ${String(error)}`);
    } finally {
      clearTimeout(timer);
    }
  }

  /** New tokens: one call, however many wait for it. */
  #renew(): Promise<void> {
    this.#renewing ??= this.#signIn().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  async #signIn(): Promise<void> {
    const { username, password } = this.#options;
    if (this.#tokens !== null) {
      const body = JSON.stringify({ refresh_token: this.#tokens.refresh_token });
      const answer = await this.#post("/token/refresh", body, "application/json");
      if (answer.ok) return this.#keep((await answer.json()) as Tokens);
      if (answer.status !== 401 || !password) throw await ofResponse(answer);
    }
    const form = new URLSearchParams({ grant_type: "password", username: username ?? "", password: password ?? "" });
    const answer = await this.#post("/token", form.toString(), "application/x-www-form-urlencoded");
    if (!answer.ok) throw await ofResponse(answer);
    this.#keep((await answer.json()) as Tokens);
  }

  #post(path: string, body: string, type: string): Promise<Response> {
    return this.#fetch(`${this.url}/api/v1${path}`, { method: "POST", body, headers: { "Content-Type": type } });
  }

  #keep(tokens: Tokens): void {
    this.#tokens = tokens;
    this.#until = Date.now() + tokens.expires_in * 1000;
    this.#options.onTokens?.(tokens);
  }
}
