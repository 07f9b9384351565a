// A talk: its lines, and the turns that are asked in it. What is drawn of it is elsewhere.

import { batch, signal } from '@preact/signals';
import { Failure, asFailure, get, newKey, post, send } from './api.js';
import { Writer, inOrder, kept, line } from './lines.js';
import { events } from './stream.js';

/** @import { AnswerView, MessageAnswer, Page, SessionAnswer } from './types.js' */
/** @import { Line } from './lines.js' */

const PAGE = 50;
const MOST = 200;
const LOOK_AGAIN_MS = 1500;
const SETTLE_MS = [300, 700, 2000];

export class Talk {
  /** @param {string} avatarId @param {number | undefined} sessionId @param {boolean} hidden */
  constructor(avatarId, sessionId, hidden) {
    this.avatarId = avatarId;
    this.sessionId = sessionId;
    this.hidden = hidden;
    /** Called once the session is known. @type {(sessionId: number) => void} */
    this.begun = () => {};
    /** Called when the newest branch is shown again. */
    this.returned = () => {};
    /** The message whose branch is shown; none: the newest. @type {number | undefined} */
    this.leaf = undefined;
    this.session = signal(/** @type {SessionAnswer | null} */ (null));
    this.lines = signal(/** @type {Line[]} */ ([]));
    this.busy = signal(false);
    this.loading = signal(sessionId !== undefined);
    this.failure = signal(/** @type {Failure | null} */ (null));
    this.earlier = signal(false);
    this.affect = signal(/** @type {Record<string, any> | null} */ (null));
    /** @type {MessageAnswer[]} */
    this.messages = [];
    /** @type {string | null} */
    this.cursor = null;
    /** @type {AbortController | null} */
    this.stopper = null;
  }

  /** @param {number} limit @param {string | null} [cursor] */
  history(limit, cursor = null) {
    const query = new URLSearchParams({ order: 'newest', limit: String(limit) });
    if (cursor) query.set('cursor', cursor);
    if (this.leaf !== undefined) query.set('leaf', String(this.leaf));
    return get(`/sessions/${this.sessionId}/messages?${query}`);
  }

  /** Reads session and history. */
  async load() {
    const { leaf } = this;
    try {
      const [session, page] = await Promise.all([get(`/sessions/${this.sessionId}`), this.history(PAGE)]);
      if (leaf !== this.leaf) return;
      this.session.value = session;
      this.hidden = session.private;
      this.messages = [];
      this.take(page);
    } catch (error) {
      this.failure.value = asFailure(error);
    }
    this.loading.value = false;
  }

  /** Shows the branch through a message. @param {number | undefined} leaf */
  async show(leaf) {
    if (leaf === this.leaf || this.busy.value || this.sessionId === undefined) return;
    this.leaf = leaf;
    await this.load();
  }

  /** Reads back until a message is there; one of another branch brings that branch. @param {number} messageId */
  async reach(messageId) {
    const isHere = () => this.messages.some((one) => one.message_id === messageId);
    while (!isHere() && this.cursor !== null) this.take(await this.history(MOST, this.cursor), true);
    if (isHere() || this.busy.value) return;
    const shown = this.leaf;
    this.leaf = messageId;
    try {
      const page = await this.history(MOST);
      this.messages = [];
      this.take(page);
    } catch (error) {
      this.leaf = shown;
      if (asFailure(error).status !== 404) throw error; // it was deleted: the talk is shown as it is
    }
  }

  async loadEarlier() {
    this.take(await this.history(PAGE, this.cursor), true);
  }

  /** @param {Page<MessageAnswer>} page @param {boolean} [earlier] whether it comes before what is there */
  take(page, earlier = false) {
    this.messages = [...this.messages, ...page.items];
    const before = new Map(this.lines.value.map((one) => [one.messageId, one]));
    const ids = new Set(this.messages.map((one) => one.message_id));
    const since = earlier ? this.lines.value.filter((one) => one.messageId === null || !ids.has(one.messageId)) : [];
    batch(() => {
      this.cursor = page.next_cursor;
      this.earlier.value = page.next_cursor !== null;
      const known = inOrder(this.messages).map((one) => {
        const found = before.get(one.message_id) ?? kept(one);
        found.branch.value = one.branch;
        return found;
      });
      this.lines.value = [...known, ...since];
    });
    const last = this.lines.value.at(-1);
    if (last?.state.value === 'pending' && !this.busy.value) setTimeout(() => this.look(), LOOK_AGAIN_MS);
  }

  /** Whether the answer that is still missing has come. */
  async look() {
    if (this.busy.value) return;
    this.lines.value = this.lines.value.filter((one) => one.state.value !== 'pending');
    await this.load();
  }

  /** @param {string} text */
  async say(text) {
    const parentId = this.lines.value.at(-1)?.messageId ?? null;
    const after = this.leaf !== undefined && parentId !== null ? { parent_message_id: parentId } : {};
    const where = this.sessionId === undefined ? { avatar_id: this.avatarId } : { session_id: this.sessionId };
    const sent = { key: newKey(), body: { message: text, ...where, ...after } };
    await this.turn(line({ role: 'user', parentId, sent }, text, 'done'));
  }

  /** Says something else in the place of what was said; the talk as it was stays beside it. @param {Line} old @param {string} text */
  async edit(old, text) {
    if (this.busy.value) return;
    const body = { message: text, session_id: this.sessionId, edit_message_id: old.messageId };
    this.lines.value = this.lines.value.slice(0, this.lines.value.indexOf(old));
    await this.turn(line({ role: 'user', parentId: old.parentId, sent: { key: newKey(), body } }, text, 'done'));
    await this.renew();
  }

  /** Asks again what got no answer, or not the one that was wanted: the old answer stays beside the new one. @param {Line} asked */
  async again(asked) {
    if (this.busy.value) return;
    const at = this.lines.value.indexOf(asked);
    const answered = this.lines.value[at + 1]?.role === 'assistant';
    if (answered || !asked.sent) asked.sent = { key: newKey(), body: {}, path: `/messages/${asked.messageId}/regenerate` };
    this.lines.value = this.lines.value.slice(0, at);
    asked.failure.value = null;
    asked.state.value = 'done';
    await this.turn(asked);
    await this.renew();
  }

  /** Learns what stands beside each message now. */
  async renew() {
    this.leaf = undefined;
    this.returned();
    const last = this.lines.value.at(-1);
    if (!last || last.messageId === null || last.state.value !== 'done') return;
    const page = await this.history(MOST).catch(() => null);
    if (!page || this.busy.value) return;
    this.messages = [];
    this.take(page);
  }

  stop() {
    this.stopper?.abort();
  }

  /** @param {Line} asked */
  async turn(asked) {
    if (this.busy.value) return;
    const reply = line({ role: 'assistant' }, '', 'streaming');
    this.stopper = new AbortController();
    batch(() => {
      this.busy.value = true;
      this.failure.value = null;
      this.lines.value = [...this.lines.value, asked, reply];
    });
    try {
      await this.begin(asked);
      await this.hear(asked, reply, this.stopper.signal);
    } catch (error) {
      this.broken(asked, reply, error);
    }
    const stopped = this.stopper.signal.aborted;
    this.stopper = null;
    this.busy.value = false;
    if (stopped) void this.settle(asked, reply);
    else if (this.leaf !== undefined) await this.renew(); // what was said last is the newest branch now
  }

  /** What the server kept of an answer that was stopped. @param {Line} asked @param {Line} reply */
  async settle(asked, reply) {
    for (const wait of SETTLE_MS) {
      await new Promise((resume) => setTimeout(resume, wait));
      if (this.busy.value || asked.messageId === null) return;
      /** @type {Page<MessageAnswer>} */
      const page = await get(`/sessions/${this.sessionId}/messages?order=newest&limit=4`);
      const found = page.items.find((one) => one.parent_message_id === asked.messageId && one.response_id);
      if (!found) continue;
      this.finish(asked, reply, await get(`/responses/${found.response_id}`));
      asked.state.value = 'done';
      if (!this.lines.value.includes(reply)) this.lines.value = [...this.lines.value, reply];
      return;
    }
  }

  /** A private talk is one before anything is said in it. @param {Line} asked */
  async begin(asked) {
    if (!this.hidden || this.sessionId !== undefined || !asked.sent) return;
    const session = await post('/sessions', { avatar_id: this.avatarId, private: true });
    asked.sent = { ...asked.sent, body: { message: asked.text.value, session_id: session.session_id } };
    this.session.value = session;
    this.isBegun(session.session_id);
  }

  /** @param {number} sessionId */
  isBegun(sessionId) {
    if (this.sessionId !== undefined) return;
    this.sessionId = sessionId;
    this.begun(sessionId);
  }

  /** @param {Line} asked @param {Line} reply @param {AbortSignal} stopped */
  async hear(asked, reply, stopped) {
    const { key, body, path = '/chat' } = /** @type {NonNullable<Line['sent']>} */ (asked.sent);
    const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream', 'Idempotency-Key': key };
    const init = { method: 'POST', headers, body: JSON.stringify({ ...body, stream: true }), signal: stopped };
    const writer = new Writer(reply.text);
    try {
      await this.follow(asked, reply, writer, await send(path, init));
    } finally {
      writer.flush();
    }
  }

  /** @param {Line} asked @param {Line} reply @param {Writer} writer @param {Response} answer */
  async follow(asked, reply, writer, answer) {
    for await (const { name, data } of events(answer)) {
      if (name === 'started') {
        asked.messageId = data.message_id;
        this.isBegun(data.session_id);
      } else if (name === 'token') {
        writer.write(data.text);
      } else if (name === 'done') {
        writer.flush();
        this.finish(asked, reply, data);
        return;
      } else if (name === 'error') {
        throw Failure.of(data);
      } else {
        reply.tools.value = [...reply.tools.value, data];
      }
    }
    throw new Failure('unreachable', 'The connection was lost before the answer was complete.');
  }

  /** @param {Line} asked @param {Line} reply @param {AnswerView} answer */
  finish(asked, reply, answer) {
    asked.messageId = answer.parent_message_id;
    reply.messageId = answer.message_id;
    reply.parentId = answer.parent_message_id;
    reply.responseId = answer.response_id;
    batch(() => {
      reply.text.value = answer.content;
      reply.state.value = answer.finish === 'stopped' ? 'stopped' : 'done';
      reply.answer.value = answer;
      this.affect.value = answer.affect;
    });
  }

  /** @param {Line} asked @param {Line} reply @param {unknown} error */
  broken(asked, reply, error) {
    const stopped = error instanceof DOMException && error.name === 'AbortError';
    batch(() => {
      asked.failure.value = stopped ? null : asFailure(error);
      asked.state.value = stopped ? 'interrupted' : 'failed';
      if (reply.text.value.trim()) {
        reply.state.value = stopped ? 'stopped' : 'failed';
        if (stopped) asked.state.value = 'done';
      } else {
        this.lines.value = this.lines.value.filter((one) => one !== reply);
      }
    });
  }
}
