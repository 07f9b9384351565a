// Somebody of the gallery: as a portrait needs it, and a few lines of how it talks.

import { html } from 'htm/preact';

/** @import { Ready } from './types.js' */

/** Somebody of the gallery as its portrait needs it. @param {Ready} ready */
export const faceOf = ({ name, personality }) => ({ name: personality.persona?.name ?? name, personality_name: name, personality });

/** A few lines of how somebody talks. @param {{ personality: Record<string, any>, most?: number }} props */
export function Sayings({ personality, most = 1 }) {
  const examples = (personality.examples ?? []).slice(0, most);
  return examples.map(
    (/** @type {{ user: string, reply: string }} */ one) => html`<span class="saying"><span class="asked">${one.user}</span><span class="replied">${one.reply}</span></span>`,
  );
}
