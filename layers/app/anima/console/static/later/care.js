// What was done for somebody's safety with an answer: help that can be called, a pause, and what the model was not let say.

import { html } from 'htm/preact';

/** @import { Care as Given, Resource } from '../character/types.js' */

/** @type {Record<string, string>} */
const REPLACED = {
  harm: 'A part of this answer could have done harm; it was replaced.',
  denied_ai: 'The model denied being an AI; that was put right.',
  sexual: 'A part of this answer was not fit for a minor; it was replaced.',
};

const names = new Intl.DisplayNames('en', { type: 'region' });

/** A country's name within a sentence. @param {string} code */
export const inWords = (code) => `${/^(GB|NL|US)$/.test(code) ? 'the ' : ''}${names.of(code)}`;

/** What a telephone dials. @param {string} phone */
const dialled = (phone) => phone.replace(/[^+\d]/g, '');

/** A link of our own data, and no other scheme than the web's. @param {string | null | undefined} url */
const safe = (url) => (url && /^https:\/\//.test(url) ? url : null);

/** A message to a number: "988", or "HOME -> 741741". @param {{ text: string | null | undefined }} props */
function Write({ text }) {
  const found = /^(?:(.*?)\s*->\s*)?([+\d\s-]+)$/.exec(text ?? '');
  if (!found?.[2]) return text ? html`<span>${text}</span>` : null;
  const [, words, number] = found;
  const to = `sms:${dialled(number)}${words ? `?&body=${encodeURIComponent(words)}` : ''}`;
  return html`<a class="call" href=${to}>Write ${words ? `${words} to ` : 'to '}${number}</a>`;
}

/** @param {{ one: Resource }} props */
function Help({ one }) {
  const url = safe(one.url);
  return html`<li>
    <span class="name">${one.name}</span>
    ${one.phone && html`<a class="call" href=${`tel:${dialled(one.phone)}`}>Call ${one.phone}</a>`}
    <${Write} text=${one.text} />
    ${url && html`<a href=${url} target="_blank" rel="noreferrer">${new URL(url).hostname.replace(/^www\./, '')}</a>`}
    ${one.hours && html`<span class="quiet">${one.hours}</span>`}
  </li>`;
}

/** @param {{ resources: Resource[], emergency?: string | null }} props */
export function Resources({ resources, emergency }) {
  return html`<ul class="resources">
    ${resources.map((one) => html`<${Help} key=${`${one.name}/${one.phone}`} one=${one} />`)}
    ${emergency && html`<li><span class="name">Emergency</span><a class="call" href=${`tel:${dialled(emergency)}`}>Call ${emergency}</a></li>`}
  </ul>`;
}

/** @param {{ safety: Given }} props */
export function Care({ safety }) {
  const { resources = [], emergency, country } = safety;
  const told = [
    safety.replaced ? (REPLACED[safety.replaced] ?? 'A part of this answer was replaced.') : '',
    safety.break ? 'You have talked for a good while: this is a good moment for a pause.' : '',
    safety.minor ? 'Minor mode is on in this talk.' : '',
  ].filter(Boolean);
  const help = resources.length > 0 || Boolean(emergency);
  if (!help && !told.length) return null;
  return html`<aside class="care" role="status">
    ${help &&
    html`<p><strong>Somebody to talk to, now</strong></p>
      <${Resources} resources=${resources} emergency=${emergency} />
      <p class="quiet">${country ? `For ${inWords(country)}. ` : ''}<a href="#/you">Another country?</a></p>`}
    ${told.map((one) => html`<p class="note">${one}</p>`)}
  </aside>`;
}
