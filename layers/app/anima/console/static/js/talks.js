// The talks that are open: the one that is looked at, and those that go on meanwhile.

import { Talk } from './talk.js';

/** Talks that go on while the person looks elsewhere, and the one that is looked at. @type {Set<Talk>} */
const open = new Set();

/** The talk of an address: the same one while its address merely learns its session.
 * @param {string} avatarId @param {number | undefined} sessionId @param {boolean} hidden @param {number} [leaf] */
export function talkOf(avatarId, sessionId, hidden, leaf) {
  const fits = (/** @type {Talk} */ one) =>
    one.avatarId === avatarId && one.sessionId === sessionId && (sessionId !== undefined || one.hidden === hidden);
  let found = [...open].find(fits);
  for (const one of open) if (one !== found && !one.busy.value) open.delete(one);
  if (!found) {
    found = new Talk(avatarId, sessionId, hidden);
    found.leaf = leaf;
    open.add(found);
    if (sessionId !== undefined) void found.load();
  }
  return found;
}
