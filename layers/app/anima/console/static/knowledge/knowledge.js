// What answers may draw from: documents, search, stores, and the log of searches.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { MenuButton } from '../js/rail.js';
import { href, route } from '../js/route.js';
import { DocumentPage } from './document.js';
import { Documents } from './documents.js';
import { Log } from './log.js';
import { Search } from './search.js';
import { Stores } from './stores.js';

/** @import { Route } from '../js/route.js' */

/** @type {[Route['part'], string][]} */
const PARTS = [
  [undefined, 'Documents'],
  ['search', 'Search'],
  ['stores', 'Stores'],
  ['log', 'Searches so far'],
];

function Tabs() {
  const { part } = route.value;
  return html`<nav class="tabs" aria-label="Knowledge">
    ${PARTS.map(
      ([to, name]) =>
        html`<a href=${href({ place: 'documents', part: to })} aria-current=${part === to ? 'page' : undefined}>${name}</a>`,
    )}
  </nav>`;
}

export function Knowledge() {
  const { part, document: open } = route.value;
  useEffect(() => {
    document.title = 'Knowledge · Anima';
  }, []);
  if (open !== undefined) return html`<${DocumentPage} key=${open} documentId=${open} />`;
  return html`<div class="page knowledge">
    <header class="title"><${MenuButton} /><h1>Knowledge</h1></header>
    <${Tabs} />
    ${part === undefined && html`<${Documents} />`} ${part === 'search' && html`<${Search} />`}
    ${part === 'stores' && html`<${Stores} />`} ${part === 'log' && html`<${Log} />`}
  </div>`;
}
