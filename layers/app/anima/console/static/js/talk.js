// A talk: its lines, and the turns that are asked in it. What is drawn of it is elsewhere.

import { batch, signal } from '@preact/signals';
import { Failure, asFailure, get, newKey, post, send } from './api.js';
import { Writer, branch, kept, line } from './lines.js';
import { events } from './stream.js';

/** @import { AnswerView, MessageAnswer, Page, SessionAnswer } from './types.js' */
/** @import { Line } from './lines.js' */

const PAGE = 50;
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

  /** Reads session and history. */
  async load() {
    try {
      const [session, page] = await Promise.all([
        get(`/sessions/${this.sessionId}`),
        get(`/sessions/${this.sessionId}/messages?order=newest&limit=${PAGE}`),
      ]);
      this.session.value = session;
      this.hidden = session.private;
      this.messages = [];
      this.take(page);
    } catch (error) {
      this.failure.value = asFailure(error);
    }
    this.loading.value = false;
  }

  async loadEarlier() {
    const query = `order=newest&limit=${PAGE}&cursor=${encodeURIComponent(this.cursor ?? '')}`;
    this.take(await get(`/sessions/${this.sessionId}/messages?${query}`));
  }

  /** @param {Page<MessageAnswer>} page */
  take(page) {
    this.messages = [...this.messages, ...page.items];
    const before = new Map(this.lines.value.map((one) => [one.key, one]));
    batch(() => {
      this.cursor = page.next_cursor;
      this.earlier.value = page.next_cursor !== null;
      this.lines.value = this.messages.length
        ? branch(this.messages).map((one) => before.get(`message-${one.message_id}`) ?? kept(one))
        : [];
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
    const where = this.sessionId === undefined ? { avatar_id: this.avatarId } : { session_id: this.sessionId };
    const sent = { key: newKey(), body: { message: text, ...where } };
    await this.turn(line({ role: 'user', parentId: this.lines.value.at(-1)?.messageId ?? null, sent }, text, 'done'));
  }

  /** Asks again what got no answer, or only a part of one. @param {Line} asked */
  async again(asked) {
    const at = this.lines.value.indexOf(asked);
    const answered = this.lines.value[at + 1]?.role === 'assistant';
    const unheard = asked.sent && !answered ? asked.sent : null;
    const body = { message: asked.text.value, session_id: this.sessionId };
    const after = asked.parentId === null ? {} : { parent_message_id: asked.parentId };
    const sent = unheard ?? { key: newKey(), body: { ...body, ...after } };
    // the first message of a talk has no branch beside it: there the second try follows the first
    if (!answered || asked.parentId !== null) this.lines.value = this.lines.value.slice(0, at);
    await this.turn(line({ role: 'user', parentId: asked.parentId, sent }, asked.text.value, 'done'));
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
    const { key, body } = /** @type {NonNullable<Line['sent']>} */ (asked.sent);
    const headers = { 'Content-Type': 'application/json', Accept: 'text/event-stream', 'Idempotency-Key': key };
    const init = { method: 'POST', headers, body: JSON.stringify({ ...body, stream: true }), signal: stopped };
    const writer = new Writer(reply.text);
    try {
      await this.follow(asked, reply, writer, await send('/chat', init));
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

/** Talks that go on while the person looks elsewhere, and the one that is looked at. @type {Set<Talk>} */
const open = new Set();

/** The talk of an address: the same one while its address merely learns its session.
 * @param {string} avatarId @param {number | undefined} sessionId @param {boolean} hidden */
export function talkOf(avatarId, sessionId, hidden) {
  const fits = (/** @type {Talk} */ one) =>
    one.avatarId === avatarId && one.sessionId === sessionId && (sessionId !== undefined || one.hidden === hidden);
  let found = [...open].find(fits);
  for (const one of open) if (one !== found && !one.busy.value) open.delete(one);
  if (!found) {
    found = new Talk(avatarId, sessionId, hidden);
    open.add(found);
    if (sessionId !== undefined) void found.load();
  }
  return found;
}
