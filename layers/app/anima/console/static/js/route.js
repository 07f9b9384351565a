// Where the person is: every state of the page is an address behind the #.

import { signal } from '@preact/signals';

/**
 * @typedef {Object} Route
 * @property {'home' | 'chat' | 'memory' | 'documents' | 'avatars' | 'avatar' | 'safety' | 'admin' | 'models' | 'learning' | 'visualisation' | 'you'} place
 * @property {string} [avatar]
 * @property {number} [session]
 * @property {boolean} [hidden] a private talk that has not begun
 * @property {number} [why] the response that the drawer explains
 * @property {number} [passage] the chunk that the drawer shows
 * @property {number} [message] the message to show
 * @property {number} [leaf] the message with which the branch ends that is shown; none: the newest
 * @property {string} [model] of the registry
 * @property {string} [job] a run, or “new”, or “batch” for a new one
 * @property {string} [part] of the documents, of the memory, of an avatar's page, of the gallery, or of the admin's
 * @property {boolean} [feeling] whether the drawer shows how the avatar feels
 * @property {string} [fact] the fact that the drawer shows
 * @property {string} [episode] the episode that the drawer shows
 * @property {number} [document] the document that is open
 * @property {number} [retrieval] the search whose log is open
 * @property {string} [query] what else a place keeps in its address
 */

const PARTS = ['search', 'stores', 'log'];
export const MEMORY_PARTS = /** @type {const} */ (['episodes', 'entities', 'search', 'curiosity', 'past', 'sleep']);

/** @param {string} hash @returns {Route} */
export function parse(hash) {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?');
  const [place, avatar, session] = path.split('/').map(decodeURIComponent);
  const given = new URLSearchParams(query);
  const number = (/** @type {string | null | undefined} */ text) =>
    text && /^\d+$/.test(text) ? Number(text) : undefined;
  if (place === 'chat' && avatar) {
    return {
      place,
      avatar,
      session: number(session),
      hidden: session === 'private',
      why: number(given.get('why')),
      passage: number(given.get('passage')),
      message: number(given.get('message')),
      leaf: number(given.get('leaf')),
      feeling: given.has('feeling') || undefined,
    };
  }
  if (place === 'avatar' && avatar) return { place, avatar, part: session, query: query || undefined };
  if (place === 'avatars' || place === 'admin') return { place, part: avatar };
  if (place === 'models') return { place, model: avatar || undefined, part: session, query: query || undefined };
  if (place === 'learning' || place === 'visualisation') return { place, job: avatar || undefined, part: session, query: query || undefined };
  if (place === 'you' || place === 'safety') return { place };
  if (place === 'memory') {
    const [fact, episode] = ['fact', 'episode'].map((name) => given.get(name) ?? undefined);
    given.delete('fact');
    given.delete('episode');
    const part = MEMORY_PARTS.find((one) => one === session);
    return { place, avatar, part, fact, episode, query: given.toString() || undefined };
  }
  if (place === 'documents' || place === 'knowledge') {
    const passage = number(given.get('passage'));
    given.delete('passage');
    const part = PARTS.find((one) => one === avatar);
    const query = given.toString() || undefined;
    return { place: 'documents', part, document: number(avatar), retrieval: number(session), passage, query };
  }
  return { place: 'home' };
}

/** @param {Route} route */
export function href(route) {
  if (route.place === 'home') return '#/';
  const session = route.session ?? (route.hidden ? 'private' : undefined);
  const parts = [route.place, route.avatar ?? route.model ?? route.job, session, route.part, route.document, route.retrieval];
  const path = parts.filter((part) => part !== undefined).join('/');
  const query = new URLSearchParams(route.query);
  for (const name of /** @type {const} */ (['why', 'passage', 'message', 'leaf', 'fact', 'episode'])) {
    if (route[name] !== undefined) query.set(name, String(route[name]));
  }
  if (route.feeling) query.set('feeling', '1');
  return `#/${path}${query.size ? `?${query}` : ''}`;
}

/** Where a talk is read: one whose avatar is gone on a plain page.
 * @param {{ session_id: number, avatar_id: string | null }} talk */
export function hrefOfTalk({ session_id: session, avatar_id: avatar }) {
  return avatar ? href({ place: 'chat', avatar, session }) : `/console/plain/sessions/${session}`;
}

export const route = signal(parse(location.hash));

addEventListener('hashchange', () => {
  route.value = parse(location.hash);
});

/** @param {Route} to @param {{ replace?: boolean }} [how] */
export function go(to, { replace = false } = {}) {
  const hash = href(to);
  if (replace) {
    history.replaceState(null, '', hash);
    route.value = parse(hash);
  } else {
    location.hash = hash;
  }
}

/** The same place with another drawer, or none.
 * @param {{ why?: number, passage?: number, fact?: string, episode?: string, feeling?: boolean }} drawer */
export function openDrawer(drawer) {
  const { why, passage, fact, episode, feeling } = drawer;
  go({ ...route.value, message: undefined, why, passage, fact, episode, feeling });
}

export const closeDrawer = () => openDrawer({});
