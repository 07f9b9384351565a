// The terms of a memory's score, in plain words: what it comes to, what adds to it or takes from it, what was measured.

import { html } from 'htm/preact';

/** How a term is shown: a share of 1 with its meter, a part that adds or takes, or a plain number.
 * @typedef {'share' | 'part' | 'plain'} Kind */

/** In the order in which they are read. @type {Record<string, [string, Kind]>} */
const TERMS = {
  relevance: ['Fits the question', 'share'],
  meaning: ['for its meaning', 'part'],
  wording: ['for its words', 'part'],
  asked: ['is the very thing that was asked', 'part'],
  entity: ['tells of whom or what is named', 'part'],
  time: ['is of the time that is asked about', 'part'],
  speaker: ['was said by whom the question is about', 'part'],
  answer: ['holds a time or a name, as was asked', 'part'],
  led_to: ['stands behind a line that fits', 'part'],
  session: ['stands in a talk that fits', 'part'],
  opening: ['opened its talk', 'part'],
  substance: ['says much', 'part'],
  question: ['asks instead of telling', 'part'],
  echo: ['was said by the avatar itself', 'part'],
  strength: ['How fresh it is', 'share'],
  importance: ['How much it matters', 'share'],
  cosine: ['Means the same (cosine)', 'share'],
  similarity: ['Nearer than any sentence is', 'share'],
  words: ['Has rare words of the question (BM25)', 'plain'],
  window: ['With the lines beside it (BM25)', 'plain'],
  coverage: ['Has this share of its words', 'share'],
};

/** The name of a term that this page does not know. @param {string} name */
const spelled = (name) => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('_', ' ');

/** @param {{ kind: Kind, value: number }} props */
function Value({ kind, value }) {
  if (kind === 'part') return html`<dd>${value < 0 ? '−' : '+'} ${Math.abs(value).toFixed(2)}</dd>`;
  const meter = kind === 'share' && html`<meter min="0" max="1" value=${Math.min(1, Math.max(0, value))} aria-hidden="true" />`;
  return html`<dd>${meter}${value.toFixed(2)}</dd>`;
}

/** @param {{ scores: Record<string, any> }} props */
export function Terms({ scores }) {
  const known = Object.keys(TERMS).filter((name) => typeof scores[name] === 'number');
  const others = Object.keys(scores).filter((name) => !(name in TERMS) && typeof scores[name] === 'number');
  return html`<dl class="terms">
    ${[...known, ...others]
      .filter((name) => TERMS[name]?.[1] !== 'part' || scores[name] !== 0)
      .map((name) => {
        const [words, kind] = TERMS[name] ?? [spelled(name), 'plain'];
        return html`<div data-kind=${kind}><dt>${words}</dt><${Value} kind=${kind} value=${Number(scores[name])} /></div>`;
      })}
  </dl>`;
}
