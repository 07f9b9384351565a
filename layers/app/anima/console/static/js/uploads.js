// Files, folders and addresses that were brought here: sent a few at a time, and watched until they can be cited.

import { signal } from '@preact/signals';
import { Failure, asFailure, get, newKey } from './api.js';
import { sure } from './ask.js';
import { said } from './house.js';
import { deliver } from './sending.js';
import { isOver, stageOf } from './words.js';

/** @import { Parcel } from './sending.js' */
/** @import { Counted } from './words.js' */
/** @import { DocumentAnswer } from '../knowledge/types.js' */

/**
 * @typedef {Parcel & Counted & {
 *   state: 'waiting' | 'sending' | 'cancelled' | 'queued' | 'running' | 'done' | 'unsearchable' | 'failed',
 *   sent: number, left: number | null, reason: string | null, documentId?: number }} Upload
 */

/** @typedef {{ file: File, path: string | null }} Found */

const LOOK_MS = [150, 300, 500, 800, 1200];
const AT_ONCE = 3;
const WATCHED = 6;
const MANY = 200;

export const uploads = signal(/** @type {Upload[]} */ ([]));

/** What stops the sending, by key. @type {Map<string, AbortController>} */
const stops = new Map();
let looks = 0;
let timer = 0;

/** @param {string} key @param {Partial<Upload>} difference */
function change(key, difference) {
  uploads.value = uploads.value.map((one) => (one.key === key ? { ...one, ...difference } : one));
}

/** @param {string} key */
export function dismiss(key) {
  uploads.value = uploads.value.filter((one) => one.key !== key);
}

/** Stops what is being sent, or waits to be. @param {string} key */
export function cancel(key) {
  change(key, { state: 'cancelled', stage: 'cancelled' });
  stops.get(key)?.abort();
}

/** @param {Upload} upload */
export function retry(upload) {
  dismiss(upload.key);
  const { name, file, uri, path, purpose, to, me } = upload;
  queue([{ name, file, uri, path, purpose, to, me }]);
}

/** @param {string} uri @param {string} [purpose] */
export const addAddress = (uri, purpose = 'context') => queue([{ name: uri, file: null, uri, path: null, purpose }]);

/** Exports of past chats for an avatar. @param {Iterable<File>} files @param {string} avatarId @param {string} me the person's name in them */
export const addTranscripts = (files, avatarId, me) =>
  queue([...files].map((file) => ({ name: file.name, file, uri: null, path: null, purpose: '', to: `/avatars/${avatarId}/transcripts`, me })));

/** @param {Iterable<File>} files @param {string} [purpose] */
export async function add(files, purpose = 'context') {
  const found = [...files].map((file) => ({ file, path: file.webkitRelativePath || null }));
  await take(found.filter(({ path }) => !isHidden(path)), purpose);
}

/** Files and whole folders that somebody let fall. @param {DragEvent} event @param {string} [purpose] */
export async function addDropped(event, purpose = 'context') {
  // asked for at once: what was dropped is gone after the event
  const entries = [...(event.dataTransfer?.items ?? [])].map((item) => item.webkitGetAsEntry?.());
  const files = [...(event.dataTransfer?.files ?? [])];
  if (!entries.some((entry) => entry?.isDirectory)) return take(files.map((file) => ({ file, path: null })), purpose);
  /** @type {Found[]} */
  const found = [];
  for (const entry of entries) if (entry) await walk(entry, found);
  return take(found, purpose);
}

/** What begins with a dot is no document. @param {string | null} path */
const isHidden = (path) => (path ?? '').split('/').some((part) => part.startsWith('.'));

/** @param {any} entry @param {Found[]} found */
async function walk(entry, found) {
  if (isHidden(entry.name)) return;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path: entry.fullPath.replace(/^\//, '') });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    /** @type {any[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return;
    for (const one of some) await walk(one, found);
  }
}

/** @param {Found[]} found @param {string} purpose */
async function take(found, purpose) {
  if (found.length > MANY && !(await sure(`Bring in ${found.length} files?`, 'Bring them in', 'Not now'))) return;
  queue(found.map(({ file, path }) => ({ name: file.name, file, uri: null, path, purpose })));
  if (!found.length) said.value = 'There is no file in it.';
}

/** @param {Omit<Parcel, 'key'>[]} parcels */
function queue(parcels) {
  const counted = { stage: 'waiting', unit: null, units_done: 0, units_total: null, chunks_done: 0, chunks_total: null };
  const fresh = { ...counted, state: /** @type {const} */ ('waiting'), sent: 0, left: null, reason: null };
  uploads.value = [...uploads.value, ...parcels.map((one) => ({ ...fresh, ...one, key: newKey() }))];
  next();
}

function next() {
  const free = AT_ONCE - stops.size;
  for (const one of uploads.value.filter(({ state }) => state === 'waiting').slice(0, Math.max(0, free))) void start(one);
}

/** @param {Upload} upload */
async function start({ key, ...parcel }) {
  const stop = new AbortController();
  stops.set(key, stop);
  change(key, { state: 'sending', stage: 'sending' });
  try {
    const documentId = await deliver({ key, ...parcel }, stop.signal, (sent) => change(key, { sent }));
    change(key, { state: 'queued', stage: 'queued', documentId });
    looks = 0;
    look();
  } catch (error) {
    if (!stop.signal.aborted) ended(key, { state: 'failed', stage: 'failed', reason: asFailure(error).message });
  } finally {
    stops.delete(key);
    next();
  }
}

/** @param {string} key @param {Partial<Upload>} difference */
function ended(key, difference) {
  change(key, difference);
  const over = uploads.value.find((one) => one.key === key);
  if (over) said.value = `${over.name}: ${over.reason ?? stageOf(over)}`;
}

/** Looks at those that are under way, the longest waiting first, until there is none. */
function look() {
  clearTimeout(timer);
  const all = uploads.value.filter((one) => one.documentId !== undefined && !isOver(one.state));
  if (!all.length) return;
  const watched = all.slice(0, WATCHED);
  timer = setTimeout(async () => {
    looks += 1;
    await Promise.all(watched.map(update));
    look();
  }, LOOK_MS[Math.min(looks, LOOK_MS.length - 1)]);
}

/** @param {Upload} upload */
async function update({ key, documentId }) {
  try {
    /** @type {DocumentAnswer} */
    const found = await get(`/documents/${documentId}`);
    const { stage, unit, units_done, units_total, chunks_done, chunks_total, reason, seconds_left: left } = found;
    const state = /** @type {Upload['state']} */ (found.state);
    (isOver(state) ? ended : change)(key, { state, stage, unit, units_done, units_total, chunks_done, chunks_total, reason, left });
  } catch (error) {
    const failure = asFailure(error);
    const gone = failure instanceof Failure && failure.status === 404;
    if (gone) dismiss(key);
    else if (failure.slug !== 'unreachable') ended(key, { state: 'failed', stage: 'failed', reason: failure.message });
  }
}
