// The lines of a talk: what was said, and what became of it.

import { signal } from '@preact/signals';
import { Failure } from './api.js';

/** @import { AnswerView, Branch, MessageAnswer, Reply } from './types.js' */
/** @import { Signal } from '@preact/signals' */

/** @typedef {'done' | 'streaming' | 'stopped' | 'pending' | 'interrupted' | 'failed' | 'waiting'} LineState */

/**
 * @typedef {Object} Line
 * @property {string} key
 * @property {'user' | 'assistant'} role
 * @property {string} at
 * @property {Signal<string>} text
 * @property {Signal<LineState>} state
 * @property {Signal<AnswerView | Reply | null>} answer
 * @property {Signal<any[]>} tools what tools do while it is answered, as the events tell it
 * @property {Signal<Failure | null>} failure
 * @property {Signal<Branch | null>} branch its place among what was said in its stead
 * @property {number | null} messageId
 * @property {number | null} parentId
 * @property {number | null} responseId
 * @property {boolean} fresh said since the page was loaded
 * @property {{ key: string, body: Record<string, any>, path?: string }} [sent] how it was asked, to ask the same again
 */

const WRITE_MS = 40;
let made = 0;

/** @param {Partial<Line> & { role: Line['role'] }} given @param {string} text @param {LineState} state @returns {Line} */
export function line(given, text, state) {
  made += 1;
  return {
    key: `new-${made}`,
    at: new Date().toISOString(),
    messageId: null,
    parentId: null,
    responseId: null,
    fresh: true,
    ...given,
    text: signal(text),
    state: signal(state),
    answer: signal(null),
    tools: signal([]),
    failure: signal(null),
    branch: signal(null),
  };
}

/** Adds pieces to a text, some at once: what is drawn more often than the eye sees only costs. */
export class Writer {
  /** @param {Signal<string>} text */
  constructor(text) {
    this.text = text;
    this.waiting = '';
    this.timer = 0;
  }

  /** @param {string} piece */
  write(piece) {
    this.waiting += piece;
    this.timer ||= setTimeout(() => this.flush(), WRITE_MS);
  }

  flush() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.text.value += this.waiting;
    this.waiting = '';
  }
}

/** A branch of a talk, oldest first. @param {MessageAnswer[]} messages in any order @returns {MessageAnswer[]} */
export function inOrder(messages) {
  const found = [...messages].sort((one, other) => one.message_id - other.message_id);
  const askedAgain = (/** @type {MessageAnswer} */ one, /** @type {number} */ index) =>
    one.role === 'user' && found[index + 1]?.role === 'user' && found[index + 1]?.content === one.content;
  return found.filter((one, index) => !askedAgain(one, index));
}

/** @param {MessageAnswer} message */
export function kept(message) {
  const state = message.role === 'user' && message.state !== 'completed' ? message.state : null;
  return line(
    {
      key: `message-${message.message_id}`,
      role: message.role === 'user' ? 'user' : 'assistant',
      at: message.created_at,
      messageId: message.message_id,
      parentId: message.parent_message_id,
      responseId: message.response_id,
      fresh: false,
    },
    message.content,
    /** @type {LineState} */ (state ?? 'done'),
  );
}
