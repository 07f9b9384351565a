// Times and sizes in words.

import { html } from 'htm/preact';

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'long' });
const exact = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hour12: false });

/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const UNITS = [
  ['year', 31_557_600],
  ['month', 2_629_800],
  ['week', 604_800],
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
];

/** @param {string} iso */
export function ago(iso) {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  for (const [unit, length] of UNITS) {
    if (Math.abs(seconds) < length) continue;
    // "Last year" means the calendar's, whatever twenty months round to.
    const years = new Date(iso).getFullYear() - new Date().getFullYear();
    return relative.format(unit === 'year' ? years : Math.round(seconds / length), unit);
  }
  return 'just now';
}

/** A moment, relative, with the exact one on hover. @param {{ at: string, short?: boolean }} props */
export function When({ at, short }) {
  const text = short ? clock.format(new Date(at)) : ago(at);
  return html`<time dateTime=${at} title=${exact.format(new Date(at))}>${text}</time>`;
}

/** The day of a moment, as a heading of a list. @param {string} iso */
export function dayOf(iso) {
  const then = new Date(iso);
  const days = Math.round((new Date().setHours(0, 0, 0, 0) - new Date(iso).setHours(0, 0, 0, 0)) / 86_400_000);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  if (days < 7) return 'This week';
  return then.getFullYear() === new Date().getFullYear()
    ? then.toLocaleString('en', { month: 'long' })
    : String(then.getFullYear());
}

/** The time of day in a greeting. */
export function greeting() {
  const hour = new Date().getHours();
  if (hour < 5) return 'Good night';
  if (hour < 12) return 'Good morning';
  return hour < 18 ? 'Good afternoon' : 'Good evening';
}

/** @param {number} count */
export function bytes(count) {
  if (count < 1000) return `${count} B`;
  if (count < 1_000_000) return `${(count / 1000).toFixed(0)} kB`;
  return count < 1e9 ? `${(count / 1_000_000).toFixed(1)} MB` : `${(count / 1e9).toFixed(1)} GB`;
}

/** @param {number} ms */
export const seconds = (ms) => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
