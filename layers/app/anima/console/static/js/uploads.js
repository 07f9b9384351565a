// Files that were dropped: sent, and watched until they can be cited.

import { signal } from '@preact/signals';
import { Failure, asFailure, get, newKey, send } from './api.js';
import { said } from './house.js';

/** @import { DocumentAnswer } from './types.js' */

/**
 * @typedef {Object} Upload
 * @property {string} key
 * @property {File} file
 * @property {'sending' | 'queued' | 'running' | 'done' | 'unsearchable' | 'failed'} state
 * @property {string} stage
 * @property {number} done
 * @property {number | null} total
 * @property {string | null} reason
 * @property {number} [documentId]
 */

export const ACCEPTED = '.txt,.text,.md,.markdown,.html,.htm,.pdf,text/plain,text/markdown,text/html,application/pdf';
const READ = /\.(txt|text|md|markdown|html?|pdf|csv|log|rst|json|ya?ml|py|js|ts|sql)$/i;
const LOOK_MS = [150, 300, 500, 800, 1200];

export const uploads = signal(/** @type {Upload[]} */ ([]));

/** @type {Record<string, string>} */
const STAGES = {
  sending: 'Sending',
  queued: 'Waiting to be read',
  parse: 'Reading',
  chunk: 'Cutting into passages',
  embed: 'Learning passages',
  done: 'Ready: ask about it',
};

/** What happens with a document now, in words. @param {{ state: string, stage: string }} of */
export function stageOf({ state, stage }) {
  if (state === 'failed') return 'Failed';
  if (state === 'unsearchable') return 'Kept, but it cannot be searched';
  return STAGES[state === 'sending' || state === 'done' || state === 'queued' ? state : stage] ?? stage;
}

export const isOver = (/** @type {string} */ state) => ['done', 'unsearchable', 'failed'].includes(state);

/** How far it is, 0 to 1, over all stages. @param {Upload} upload */
export function progress({ state, stage, done, total }) {
  if (isOver(state)) return 1;
  if (stage === 'embed') return 0.3 + (total ? (0.65 * done) / total : 0);
  return { sending: 0.05, queued: 0.1, parse: 0.18, chunk: 0.25 }[state === 'sending' ? 'sending' : stage] ?? 0.1;
}

/** @param {string} key @param {Partial<Upload>} change */
function change(key, change) {
  uploads.value = uploads.value.map((one) => (one.key === key ? { ...one, ...change } : one));
}

/** @param {string} key */
export function dismiss(key) {
  uploads.value = uploads.value.filter((one) => one.key !== key);
}

/** @param {Iterable<File>} files */
export function add(files) {
  for (const file of files) void take(file);
}

/** @param {Upload} upload */
export function retry(upload) {
  dismiss(upload.key);
  void take(upload.file);
}

/** @param {File} file */
async function take(file) {
  const key = newKey();
  /** @type {Upload} */
  const upload = { key, file, state: 'sending', stage: 'sending', done: 0, total: null, reason: null };
  uploads.value = [...uploads.value, upload];
  try {
    if (!READ.test(file.name) && !file.type.startsWith('text/')) {
      throw new Failure('unread', 'Only text, Markdown, HTML and PDF files are read.');
    }
    const form = new FormData();
    form.append('file', file);
    const sent = await send('/documents', { method: 'POST', body: form, headers: { 'Idempotency-Key': key } });
    await watch(key, (await sent.json()).document_id);
  } catch (error) {
    change(key, { state: 'failed', reason: asFailure(error).message });
  }
  const over = uploads.value.find((one) => one.key === key);
  if (over) said.value = `${file.name}: ${over.reason ?? stageOf(over)}`;
}

/** @param {string} key @param {number} documentId */
async function watch(key, documentId) {
  change(key, { state: 'queued', stage: 'queued', documentId });
  for (let look = 0; uploads.value.some((one) => one.key === key); look += 1) {
    /** @type {DocumentAnswer} */
    const found = await get(`/documents/${documentId}`);
    const { stage, chunks_done: done, chunks_total: total, reason } = found;
    change(key, { state: /** @type {Upload['state']} */ (found.state), stage, done, total, reason });
    if (isOver(found.state)) return;
    await new Promise((resume) => setTimeout(resume, LOOK_MS[Math.min(look, LOOK_MS.length - 1)]));
  }
}
