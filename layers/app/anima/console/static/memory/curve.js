// The forgetting curve of an episode, drawn from its closed form: what has passed, where it is now, the day it fades.

import { html } from 'htm/preact';
import { fading } from './decay.js';
import { dayNamed } from './held.js';

/** @import { EpisodeOut } from './types.js' */

const STEPS = 32;
const [LEFT, TOP, RIGHT, BOTTOM] = [3, 3, 97, 33];

/** What the curve says, in words. @param {EpisodeOut} episode */
export function toldOf(episode) {
  if (episode.pinned) return 'kept for ever';
  const { now, until } = fading(episode);
  return `${Math.round(100 * now)} %, fades ${dayNamed(new Date(until).toISOString())}`;
}

/** @param {{ episode: EpisodeOut, large?: boolean }} props */
export function Curve({ episode, large = false }) {
  const now = Date.now();
  const { from, until, at } = fading(episode, now);
  const end = Math.max(Number.isFinite(until) ? until : now, now, from + 1);
  const x = (/** @type {number} */ ms) => LEFT + ((RIGHT - LEFT) * (ms - from)) / (end - from);
  const y = (/** @type {number} */ share) => BOTTOM - (BOTTOM - TOP) * share;
  /** @param {number} since @param {number} to */
  const path = (since, to) =>
    Array.from({ length: STEPS + 1 }, (_, step) => {
      const ms = since + ((to - since) * step) / STEPS;
      return `${step ? 'L' : 'M'}${x(ms).toFixed(1)} ${y(at(ms)).toFixed(1)}`;
    }).join('');
  const here = Math.min(Math.max(now, from), end);
  return html`<svg class="curve" data-large=${large} viewBox="0 0 100 36" role="img" aria-label=${`Strength: ${toldOf(episode)}`}>
    <path class="floor" d=${`M${LEFT} ${y(0.1).toFixed(1)}H${RIGHT}`} />
    <path class="under" d=${`${path(from, here)}V${BOTTOM}H${LEFT}Z`} />
    <path class="passed" d=${path(from, here)} />
    <path class="coming" d=${path(here, end)} />
    <circle cx=${x(here).toFixed(1)} cy=${y(at(here)).toFixed(1)} r="2.4" />
  </svg>`;
}
