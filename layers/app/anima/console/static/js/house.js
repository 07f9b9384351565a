// What several places of the page show: avatars, talks, how the two stand with each other.

import { signal } from '@preact/signals';
import { Failure, asFailure, get, remove } from './api.js';

/** @import { AffinityAnswer, AvatarAnswer, Page, SessionAnswer } from './types.js' */

export const avatars = signal(/** @type {AvatarAnswer[] | null} */ (null));
export const sessions = signal(/** @type {SessionAnswer[] | null} */ (null));
export const moreSessions = signal(/** @type {string | null} */ (null));
export const affinities = signal(/** @type {Record<string, AffinityAnswer>} */ ({}));
export const failure = signal(/** @type {Failure | null} */ (null));

/** What a screen reader is told when something happened elsewhere on the page. */
export const said = signal('');

/** Runs what may fail; what went wrong is shown at the top of the page. @param {() => Promise<unknown>} act */
export async function attempt(act) {
  try {
    failure.value = null;
    await act();
  } catch (error) {
    const known = asFailure(error);
    if (known.status !== 401) failure.value = known;
  }
}

export async function loadHouse() {
  const [people, talks] = await Promise.all([get('/avatars'), get('/sessions?limit=30')]);
  avatars.value = people.items;
  take(talks, []);
}

/** @param {Page<SessionAnswer>} page @param {SessionAnswer[]} before */
function take(page, before) {
  sessions.value = [...before, ...page.items];
  moreSessions.value = page.next_cursor;
}

export async function refreshSessions() {
  take(await get('/sessions?limit=30'), []);
}

export async function loadMoreSessions() {
  const cursor = encodeURIComponent(moreSessions.value ?? '');
  take(await get(`/sessions?limit=30&cursor=${cursor}`), sessions.value ?? []);
}

/** @param {number} sessionId */
export async function deleteSession(sessionId) {
  await remove(`/sessions/${sessionId}`);
  sessions.value = (sessions.value ?? []).filter((one) => one.session_id !== sessionId);
}

/** @param {string} avatarId */
export async function loadAffinity(avatarId) {
  const found = await get(`/avatars/${avatarId}/affinity`);
  affinities.value = { ...affinities.value, [avatarId]: found };
}

/** @param {string | undefined} id */
export const avatarOf = (id) => (avatars.value ?? []).find((one) => one.avatar_id === id);
