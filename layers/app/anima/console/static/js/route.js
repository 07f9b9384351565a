// Where the person is: every state of the page is an address behind the #.

import { signal } from '@preact/signals';

/**
 * @typedef {Object} Route
 * @property {'home' | 'chat' | 'memory' | 'documents'} place
 * @property {string} [avatar]
 * @property {number} [session]
 * @property {boolean} [hidden] a private talk that has not begun
 * @property {number} [why] the response that the drawer explains
 * @property {number} [passage] the chunk that the drawer shows
 * @property {number} [message] the message to show
 * @property {'search' | 'stores' | 'log'} [part] of the documents
 * @property {number} [document] the document that is open
 * @property {number} [retrieval] the search whose log is open
 * @property {string} [query] what else a place keeps in its address
 */

const PARTS = ['search', 'stores', 'log'];

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
    };
  }
  if (place === 'memory') return { place, avatar };
  if (place === 'documents' || place === 'knowledge') {
    const passage = number(given.get('passage'));
    given.delete('passage');
    const part = /** @type {Route['part']} */ (PARTS.find((one) => one === avatar));
    const query = given.toString() || undefined;
    return { place: 'documents', part, document: number(avatar), retrieval: number(session), passage, query };
  }
  return { place: 'home' };
}

/** @param {Route} route */
export function href(route) {
  if (route.place === 'home') return '#/';
  const session = route.session ?? (route.hidden ? 'private' : undefined);
  const parts = [route.place, route.avatar, session, route.part, route.document, route.retrieval];
  const path = parts.filter((part) => part !== undefined).join('/');
  const query = new URLSearchParams(route.query);
  for (const name of /** @type {const} */ (['why', 'passage', 'message'])) {
    if (route[name] !== undefined) query.set(name, String(route[name]));
  }
  return `#/${path}${query.size ? `?${query}` : ''}`;
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

/** The same place with another drawer, or none. @param {{ why?: number, passage?: number }} drawer */
export function openDrawer(drawer) {
  go({ ...route.value, message: undefined, why: drawer.why, passage: drawer.passage });
}

export const closeDrawer = () => openDrawer({});
