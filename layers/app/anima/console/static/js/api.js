// Calls of the API with the cookie of the sign-in, which is renewed once where it has run out.

import { signal } from '@preact/signals';

/** @import { Problem, UserAnswer } from './types.js' */

const API = '/api/v1';
const RENEWED = 'anima.renewed';

/** Who is signed in: undefined while that is not known, null when it is nobody. */
export const user = signal(/** @type {UserAnswer | null | undefined} */ (undefined));

/** A call that did not do what was asked; `slug` names why, `detail` says it. */
export class Failure extends Error {
  /** @param {string} slug @param {string} detail @param {number} [status] @param {string} [requestId] @param {Problem['errors']} [errors] */
  constructor(slug, detail, status = 0, requestId = '', errors = []) {
    super(detail);
    this.slug = slug;
    this.status = status;
    this.requestId = requestId;
    this.errors = errors;
  }

  /** @param {Partial<Problem>} problem @param {number} [status] */
  static of(problem, status = 0) {
    const slug = (problem.type ?? '').split('/').pop() || 'unknown';
    const detail = problem.detail ?? 'The server answered in a way that this page does not understand.';
    return new Failure(slug, detail, problem.status ?? status, problem.request_id ?? '', problem.errors ?? []);
  }
}

/** @param {unknown} error @returns {Failure} */
export function asFailure(error) {
  if (error instanceof Failure) return error;
  return new Failure('broken', error instanceof Error ? error.message : String(error));
}

/** A key that makes a call safe to send twice. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {string} path @param {RequestInit} init */
async function reach(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new Failure('unreachable', 'The server does not answer.');
  }
}

/** @type {Promise<boolean> | null} */
let renewing = null;

/** Renews the cookies unless another tab has done so since; a refresh token is good for one use only.
 * @param {number} since */
function renewed(since) {
  const work = async () => {
    if (Number(localStorage.getItem(RENEWED) ?? 0) > since) return true;
    const answer = await reach('/console/refresh', { method: 'POST' });
    if (answer.ok) localStorage.setItem(RENEWED, String(Date.now()));
    return answer.ok;
  };
  renewing ??= Promise.resolve(navigator.locks ? navigator.locks.request('anima-renew', work) : work()).finally(() => {
    renewing = null;
  });
  return renewing;
}

/** Whether a sign-in has run out; a wrong password is answered by 401 too. @param {Response} answer */
const isLapsed = async (answer) => answer.status === 401 && !(await answer.clone().text()).includes('/wrong-credentials"');

/** Sends a request; the answer is a good one.
 * @param {string} path @param {RequestInit} [init] @returns {Promise<Response>} */
export async function send(path, init = {}) {
  const since = Date.now();
  let answer = await reach(API + path, init);
  if ((await isLapsed(answer)) && (await renewed(since))) answer = await reach(API + path, init);
  if (await isLapsed(answer)) user.value = null;
  if (!answer.ok) throw Failure.of(await answer.json().catch(() => ({})), answer.status);
  return answer;
}

/** @template T @param {string} path @returns {Promise<T>} */
export async function get(path) {
  return (await send(path)).json();
}

/** @template T @param {string} path @param {unknown} body @param {string} [method] @returns {Promise<T>} */
export async function post(path, body, method = 'POST') {
  const headers = { 'Content-Type': 'application/json' };
  return (await send(path, { method, headers, body: JSON.stringify(body) })).json();
}

/** @param {string} path */
export async function remove(path) {
  await send(path, { method: 'DELETE' });
}

/** Asks who is signed in. */
export async function whoAmI() {
  try {
    user.value = await get('/users/me');
  } catch (error) {
    if (asFailure(error).status !== 401) throw error;
    user.value = null;
  }
}

/** @param {FormData} form with username and password */
export async function signIn(form) {
  const answer = await reach('/console/sign-in', { method: 'POST', body: form });
  if (!answer.ok) throw Failure.of(await answer.json().catch(() => ({})), answer.status);
  await whoAmI();
}

export async function signOut() {
  await reach('/console/sign-out', { method: 'POST' });
  // whatever the page still holds of this person goes with it
  location.assign('/');
}
