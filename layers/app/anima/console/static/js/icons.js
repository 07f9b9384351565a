// Line icons on a 20 px grid.

import { html } from 'htm/preact';

/** @type {Record<string, string>} */
const PATHS = {
  menu: 'M3 6h14M3 10h14M3 14h14',
  close: 'M5 5l10 10M15 5L5 15',
  send: 'M10 16V4M5 9l5-5 5 5',
  stop: 'M6 6h8v8H6z',
  clip: 'M13.5 6.5l-5 5a1.8 1.8 0 0 0 2.5 2.5l5.2-5.2a3.5 3.5 0 0 0-5-5L6 9a5.2 5.2 0 0 0 7.4 7.4l3.1-3.1',
  plus: 'M10 4v12M4 10h12',
  trash: 'M4 6h12M8 6V4h4v2M6 6l.7 10h6.6L14 6',
  up: 'M6.5 9v7H4V9zM6.5 9l3-6c1.5 0 2 1 1.8 2.2L10.8 8H15a1.5 1.5 0 0 1 1.5 1.8l-1 5A1.5 1.5 0 0 1 14 16H6.5',
  down: 'M13.5 11V4H16v7zM13.5 11l-3 6c-1.5 0-2-1-1.8-2.2l.5-2.8H5a1.5 1.5 0 0 1-1.5-1.8l1-5A1.5 1.5 0 0 1 6 4h7.5',
  why: 'M10 17a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM7.9 8a2.1 2.1 0 1 1 3 1.9c-.6.3-.9.7-.9 1.4M10 13.9v.1',
  copy: 'M7 7V4h9v9h-3M4 7h9v9H4z',
  book: 'M4 4h5a1.5 1.5 0 0 1 1 1.5V16a2 2 0 0 0-1.5-.8H4zM16 4h-5a1.5 1.5 0 0 0-1 1.5V16a2 2 0 0 1 1.5-.8H16z',
  memory: 'M10 4c-3.5 0-6 2.5-6 6s2.5 6 6 6 6-2.5 6-6M10 7a3 3 0 1 0 3 3M13 4.6V8h3.5',
  lock: 'M5 9h10v7H5zM7 9V7a3 3 0 0 1 6 0v2',
  light: 'M10 13a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM10 2.5V4M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M4.7 15.3l1-1M14.3 5.7l1-1',
  leave: 'M8 4H4v12h4M8 10h9M14 7l3 3-3 3',
  home: 'M4 9l6-5 6 5v7h-4v-4H8v4H4z',
  again: 'M15.5 8A6 6 0 1 0 16 11M16 4v4h-4',
  latest: 'M10 4v12M5 11l5 5 5-5',
  check: 'M4 10.5l4 4L16 6',
  edit: 'M4 16l.8-3.2L13 4.5l2.5 2.5-8.3 8.2zM11.5 6l2.5 2.5',
  pin: 'M7 3h6l-.8 5 2.3 3h-9l2.3-3zM10 11v6',
  left: 'M12 5l-5 5 5 5',
  right: 'M8 5l5 5-5 5',
  people: 'M7.5 9a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM3 16c0-2.8 2-4.5 4.5-4.5S12 13.2 12 16M13 4.3a2.4 2.4 0 0 1 0 4.5M14 11.8c1.8.5 3 2 3 4.2',
  shield: 'M10 3l6 2v5c0 3.5-2.5 6-6 7-3.5-1-6-3.5-6-7V5z',
  layers: 'M10 3l7 3.5-7 3.5-7-3.5zM3 10l7 3.5 7-3.5M3 13.5L10 17l7-3.5',
  curve: 'M3 4v12h14M6 13l3-5 3 3 4-5',
  settings: 'M3 6h6M13 6h4M3 14h2M9 14h8M11 4v4M7 12v4',
};

/** @param {{ name: string }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 20 20" width="20" height="20" aria-hidden="true">
    <path d=${PATHS[name]} />
  </svg>`;
}
