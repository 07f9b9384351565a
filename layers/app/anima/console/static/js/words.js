// Documents in words: what happens with one, how far it is, and what of it could not be read.

/** @import { DocumentAnswer } from '../knowledge/types.js' */

/** @type {Record<string, string>} */
const STAGES = {
  waiting: 'Waiting its turn',
  sending: 'Sending',
  queued: 'Waiting to be read',
  fetch: 'Fetching',
  parse: 'Reading',
  read: 'Reading (in a job of its own)',
  chunk: 'Cutting into passages',
  embed: 'Learning passages',
  extract: 'Finding facts in it',
  index: 'Writing to its store',
  done: 'Ready: ask about it',
};

export const isOver = (/** @type {string} */ state) => ['done', 'unsearchable', 'failed', 'cancelled'].includes(state);

/** What happens with a document now, in words. @param {{ state: string, stage: string }} of */
export function stageOf({ state, stage }) {
  if (state === 'failed') return 'Failed';
  if (state === 'cancelled') return 'Not sent';
  if (state === 'unsearchable') return 'Kept, but it cannot be searched';
  return STAGES[state === 'running' ? stage : state] ?? stage;
}

/** @typedef {Pick<DocumentAnswer, 'stage' | 'unit' | 'units_done' | 'units_total' | 'chunks_done' | 'chunks_total'>} Counted */

/** Seconds as people say them. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 50) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** A second of a recording as its clock shows it. @param {number} second */
export function clockOf(second) {
  const whole = Math.floor(second);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] ? parts : parts.slice(1);
  return shown.map((part, index) => (index ? String(part).padStart(2, '0') : String(part))).join(':');
}

/** How far a document is: "12 of 40 pages". @param {Counted} of */
export function countOf(of) {
  if (['embed', 'index'].includes(of.stage)) {
    return of.chunks_total ? `${of.chunks_done} of ${of.chunks_total} passages` : '';
  }
  if (!of.unit || !of.units_done) return '';
  if (of.unit === 'seconds') {
    return of.units_total ? `${clockOf(of.units_done)} of ${clockOf(of.units_total)} minutes` : `${clockOf(of.units_done)} minutes`;
  }
  if (of.unit === 'bytes') return of.units_total ? `${Math.round((100 * of.units_done) / of.units_total)} %` : '';
  return of.units_total ? `${of.units_done} of ${of.units_total} ${of.unit}` : `${of.units_done} ${of.unit}`;
}

/** @param {number | null} seconds */
export const leftOf = (seconds) => (seconds === null || seconds < 1 ? '' : `about ${duration(seconds)} left`);

/** How far it is over all stages, 0 to 1. @param {Counted & { state: string }} of */
export function shareOf(of) {
  if (isOver(of.state)) return 1;
  const part = (/** @type {number} */ done, /** @type {number | null} */ total) => (total ? Math.min(1, done / total) : 0);
  if (of.stage === 'embed') return 0.45 + 0.5 * part(of.chunks_done, of.chunks_total);
  if (of.stage === 'index') return 0.97;
  if (of.stage === 'chunk') return 0.42;
  if (of.stage === 'parse' || of.stage === 'read') return 0.15 + 0.25 * part(of.units_done, of.units_total);
  return of.state === 'queued' ? 0.05 : 0.1;
}

const range = (/** @type {any} */ from, /** @type {any} */ to) => (to === undefined || to === null || to === from ? `${from}` : `${from}–${to}`);
const several = (/** @type {any} */ from, /** @type {any} */ to) => (to === undefined || to === null || to === from ? '' : 's');

/** Where in its document a passage stands, in words. @param {Record<string, any>} location */
export function placeOf(location) {
  const found = [];
  const { page, page_end: pageEnd, slide, sheet, row_start: row, row_end: rowEnd, second_start: second, second_end: secondEnd } = location;
  if (page) found.push(`page${several(page, pageEnd)} ${range(page, pageEnd)}`);
  if (slide) found.push(`slide${several(slide, location.slide_end)} ${range(slide, location.slide_end)}`);
  if (sheet) found.push(`sheet ${sheet}`);
  if (row) found.push(`row${several(row, rowEnd)} ${range(row, rowEnd)}`);
  if (second !== undefined && second !== null) found.push(range(clockOf(second), secondEnd === undefined || secondEnd === null ? undefined : clockOf(secondEnd)));
  if (location.speaker) found.push(location.speaker);
  if (location.heading) found.push(location.heading);
  if (location.line_start && !page && !row) {
    found.push(`line${several(location.line_start, location.line_end)} ${range(location.line_start, location.line_end)}`);
  }
  return found.join(' · ');
}
