// A passage that was found, and why: its scores, the words it holds, what was joined to it and what says the same.

import { html } from 'htm/preact';
import { href } from '../js/route.js';
import { placeOf } from '../js/words.js';

/** @import { HitAnswer } from './types.js' */

/** @param {string} text */
const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** A text with the words marked that begin like those of the question. @param {{ text: string, terms: string[] }} props */
function Marked({ text, terms }) {
  const stems = terms.map((term) => escaped(term.length > 5 ? term.slice(0, -2) : term)).filter(Boolean);
  if (!stems.length) return html`<span>${text}</span>`;
  const parts = text.split(new RegExp(`(?<![\\p{L}\\p{N}])((?:${stems.join('|')})[\\p{L}\\p{N}]*)`, 'iu'));
  return html`<span>${parts.map((part, index) => (index % 2 ? html`<mark>${part}</mark>` : part))}</span>`;
}

/** @param {{ name: string, value: number | null, most?: number }} props */
function Score({ name, value, most }) {
  if (value === null) return html`<div><dt>${name}</dt><dd class="quiet">says nothing</dd></div>`;
  return html`<div>
    <dt>${name}</dt>
    <dd>${most && html`<meter min="0" max=${most} value=${Math.max(0, value)} aria-hidden="true" />`}${value.toFixed(2)}</dd>
  </div>`;
}

/** @param {{ hit: HitAnswer }} props */
function Reasons({ hit }) {
  const { spelled, speaker, neighbours, same_as: same } = hit.why;
  const terms = hit.why.terms.filter((term) => !(term in spelled));
  const other = Object.entries(spelled).map(([asked, held]) => `“${held}” for “${asked}”`);
  return html`<div class="reasons">
    <dl>
      <${Score} name="Score" value=${hit.score} most=${1} />
      <${Score} name="Meaning (cosine)" value=${hit.scores.vector} most=${1} />
      <${Score} name="Words (BM25)" value=${hit.scores.words} />
      <${Score} name="Spelling" value=${hit.scores.trigram} most=${1} />
    </dl>
    <ul class="quiet">
      ${terms.length > 0 && html`<li>It holds ${terms.map((term) => `“${term}”`).join(', ')}.</li>`}
      ${other.length > 0 && html`<li>Spelt otherwise: ${other.join(', ')}.</li>`}
      ${speaker && html`<li>These are ${speaker}’s words.</li>`}
      ${neighbours.length > 0 && html`<li>${neighbours.length === 1 ? 'The passage beside it was' : `${neighbours.length} passages beside it were`} found too, and joined.</li>`}
      ${same.map((one) => html`<li>The same stands in <a href=${href({ place: 'documents', document: one.document_id, passage: one.chunk_id })}>${one.title}</a>.</li>`)}
    </ul>
  </div>`;
}

/** @param {{ hit: HitAnswer, query: string }} props */
export function Hit({ hit }) {
  const terms = [...hit.why.terms, ...Object.values(hit.why.spelled)];
  return html`<li class="hit">
    <h3><a href=${href({ place: 'documents', document: hit.document_id, passage: hit.chunk_id })}>${hit.title}</a></h3>
    <p class="quiet">${[placeOf(hit.location), hit.purpose].filter(Boolean).join(' · ')}</p>
    <p class="words"><${Marked} text=${hit.text} terms=${terms} /></p>
    <details>
      <summary>Why: ${hit.score.toFixed(2)}</summary>
      <${Reasons} hit=${hit} />
    </details>
  </li>`;
}
