// Sends a file or an address: small files with the call itself, big ones as an upload of their own that tells how far it is.

import { Failure, get, post, send } from './api.js';

/** @import { TicketAnswer } from '../knowledge/types.js' */

/**
 * @typedef {Object} Parcel
 * @property {string} key makes sending it twice safe
 * @property {string} name
 * @property {File | null} file
 * @property {string | null} uri
 * @property {string | null} path where it lay in the folder that was dropped
 * @property {string} purpose
 * @property {string} [to] where it goes if it is no document: past chats go to their avatar
 * @property {string} [me] who the person is in past chats
 */

const BIG = 4_000_000;

/** Sends it; answers the document that it becomes.
 * @param {Parcel} parcel @param {AbortSignal} signal @param {(share: number) => void} onProgress @returns {Promise<number>} */
export async function deliver(parcel, signal, onProgress) {
  const { file, uri, purpose, to, me } = parcel;
  const metadata = parcel.path ? { path: parcel.path } : {};
  /** @type {Record<string, any>} */
  const given = to ? { title: parcel.name, ...(me ? { me } : {}) } : { purpose, metadata };
  if (!file) return queued(parcel, JSON.stringify({ uri, ...given }), signal);
  if (file.size === 0) throw new Failure('empty-document', 'There is nothing in this file.');
  if (file.size < BIG) {
    const form = new FormData();
    form.append('file', file);
    for (const [name, value] of Object.entries(given)) form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
    return queued(parcel, form, signal);
  }
  /** @type {TicketAnswer} */
  const ticket = await post('/uploads', { name: parcel.name, size_bytes: file.size, media_type: file.type || null });
  await upload(ticket, file, signal, onProgress);
  return queued(parcel, JSON.stringify({ upload: ticket.upload_id, ...given }), signal);
}

/** @param {Parcel} parcel @param {string | FormData} body @param {AbortSignal} signal */
async function queued(parcel, body, signal) {
  /** @type {Record<string, string>} */
  const headers = { 'Idempotency-Key': parcel.key };
  if (typeof body === 'string') headers['Content-Type'] = 'application/json';
  const sent = await send(parcel.to ?? '/documents', { method: 'POST', body, headers, signal });
  return (await sent.json()).document_id;
}

/** Sends the bytes of a file to where its ticket says; fetch does not tell how far it is.
 * @param {TicketAnswer} ticket @param {File} file @param {AbortSignal} signal @param {(share: number) => void} onProgress */
async function upload(ticket, file, signal, onProgress) {
  await get('/users/me'); // so that the cookie is fresh: what is sent once is not sent again
  const call = new XMLHttpRequest();
  call.open(ticket.method, ticket.url);
  for (const [name, value] of Object.entries(ticket.headers)) call.setRequestHeader(name, value);
  const fields = Object.entries(ticket.fields);
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  if (fields.length) form.append('file', file);
  await new Promise((resolve, reject) => {
    const gone = () => reject(new DOMException('cancelled', 'AbortError'));
    if (signal.aborted) return gone();
    signal.addEventListener('abort', () => call.abort(), { once: true });
    call.upload.addEventListener('progress', (event) => onProgress(event.loaded / Math.max(1, event.total)));
    call.addEventListener('abort', gone);
    call.addEventListener('error', () => reject(new Failure('unreachable', 'The connection broke off while the file was sent.')));
    call.addEventListener('load', () => (call.status < 300 ? resolve(undefined) : reject(refusal(call))));
    return call.send(fields.length ? form : file);
  });
}

/** @param {XMLHttpRequest} call */
function refusal(call) {
  try {
    return Failure.of(JSON.parse(call.responseText), call.status);
  } catch {
    return Failure.of({ detail: 'The file was not taken.' }, call.status);
  }
}
