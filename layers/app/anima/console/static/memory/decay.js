// How a memory fades: the closed form of the forgetting curve, for the page to draw.

/** @import { EpisodeOut } from './types.js' */

export const BASE_DECAY = 0.1; // of its strength, per day
export const FORGOTTEN_BELOW = 0.1;
const DAY_MS = 86_400_000;

/** 1 + importance boost + recall boost. @param {number} importance 0-1 @param {number} timesRecalled */
export const boosts = (importance, timesRecalled) => 1 + 0.5 * importance + 0.2 * Math.log(timesRecalled + 1);

/** exp(−decay · days / boosts), 0-1. @param {number} days since the last recall @param {number} importance 0-1 @param {number} timesRecalled */
export const strength = (days, importance, timesRecalled) =>
  Math.exp((-BASE_DECAY * Math.max(0, days)) / boosts(importance, timesRecalled));

/** Days from the last recall until it is forgotten. @param {number} importance 0-1 @param {number} timesRecalled */
export const daysToForget = (importance, timesRecalled) =>
  (-Math.log(FORGOTTEN_BELOW) * boosts(importance, timesRecalled)) / BASE_DECAY;

/**
 * @typedef {Object} Fading
 * @property {number} from when it was recalled last, or made (ms)
 * @property {number} until when it is forgotten (ms); Infinity for what is pinned
 * @property {number} now its strength, 0-1
 * @property {(at: number) => number} at its strength at a moment (ms)
 */

/** What the curve of an episode says.
 * @param {Pick<EpisodeOut, 'importance' | 'times_recalled' | 'last_recalled' | 'timestamp' | 'pinned'>} one @param {number} [now] ms @returns {Fading} */
export function fading(one, now = Date.now()) {
  const from = Date.parse(one.last_recalled ?? one.timestamp);
  if (one.pinned) return { from, until: Infinity, now: 1, at: () => 1 };
  const importance = one.importance / 10;
  const at = (/** @type {number} */ ms) => strength((ms - from) / DAY_MS, importance, one.times_recalled);
  return { from, until: from + daysToForget(importance, one.times_recalled) * DAY_MS, now: at(now), at };
}
