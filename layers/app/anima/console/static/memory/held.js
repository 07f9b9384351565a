// When a fact held and where a memory comes from, in words.

import { html } from 'htm/preact';
import { href } from '../js/route.js';
import { When } from '../js/time.js';

/** @import { FactOut } from './types.js' */

const day = new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: 'numeric' });
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short' });

/** @param {string} iso */
export const dayNamed = (iso) => day.format(new Date(iso));

/** A day, with the exact moment on hover. @param {{ at: string }} props */
export const Day = ({ at }) => html`<time dateTime=${at} title=${exact.format(new Date(at))}>${dayNamed(at)}</time>`;

/** A fact as it is said to the person whom it is about. @param {string} text */
export function spoken(text) {
  const rest = text.replace(/^The user /, '');
  return rest === text ? text.replace(" is the user's ", ' is your ') : rest.charAt(0).toUpperCase() + rest.slice(1);
}

/** @type {Record<string, string>} */
const ORIGINS = {
  said: 'said',
  proposed: 'guessed from what was said',
  corrected: 'corrected by you',
  consolidated: 'put together in sleep',
  imported: 'from past chats',
};

/** Where it comes from, in words; what was plainly said needs none. @param {string} origin */
export const originOf = (origin) => ORIGINS[origin] ?? origin;

/** When a fact held. @param {{ fact: FactOut }} props */
export function Held({ fact }) {
  const { true_from: from, true_until: until, ended_at: ended } = fact;
  if (!from && !until) {
    if (fact.is_active || !ended) return html`<span class="quiet unsaid">no dates given</span>`;
    return html`<span class="quiet">until <${Day} at=${ended} /></span>`;
  }
  if (!until) return html`<span>since <${Day} at=${from ?? ''} /></span>`;
  return html`<span>${from ? html`<${Day} at=${from} /> to ` : 'until '}<${Day} at=${until} /></span>`;
}

/** Opens the talk at the message, where it is known.
 * @param {{ avatarId: string, session: number | null, message: number | null | undefined, children: any }} props */
export function SourceLink({ avatarId, session, message, children }) {
  if (!session || !message) return html`<span>${children}</span>`;
  return html`<a href=${href({ place: 'chat', avatar: avatarId, session, message })}>${children}</a>`;
}

/** The words that a fact comes from, with their message. @param {{ fact: FactOut, avatarId: string }} props */
export function FactSource({ fact, avatarId }) {
  const { evidence, session_id: session, message_id: message } = fact.source;
  const told = evidence ? `you said “${evidence}”` : originOf(fact.origin);
  return html`<${SourceLink} avatarId=${avatarId} session=${session} message=${message}>${told}<//>${' '}
    <span class="quiet"><${When} at=${fact.last_updated} /></span>`;
}
