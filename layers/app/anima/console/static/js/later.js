// A place whose code and styles are fetched when somebody goes there first: the first paint stays light.

import { signal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Failure } from './api.js';
import { Alert } from './alert.js';

/** Components by the function that fetches them. @type {Map<() => Promise<any>, any>} */
const known = new Map();
const arrived = signal(0);
const failure = signal(/** @type {Failure | null} */ (null));

/** Adds a style sheet once, and waits for it. @param {string} path */
function styled(path) {
  const href = new URL(`../${path}`, import.meta.url).href;
  if (document.querySelector(`link[href="${href}"]`)) return Promise.resolve();
  const link = document.createElement('link');
  link.rel = 'stylesheet';
  link.href = href;
  return new Promise((resolve, reject) => {
    link.addEventListener('load', resolve);
    link.addEventListener('error', () => {
      link.remove();
      reject(new Error('styles'));
    });
    document.head.append(link);
  });
}

/** @param {{ load: () => Promise<any>, style?: string, [given: string]: any }} props its style sheets, and what else goes to the place */
export function Later({ load, style, ...given }) {
  useEffect(() => {
    if (known.has(load)) return;
    failure.value = null;
    Promise.all([load(), ...(style?.split(' ') ?? []).map(styled)])
      .then(([View]) => {
        known.set(load, View);
        arrived.value += 1;
      })
      .catch(() => {
        failure.value = new Failure('unreachable', 'This part of the page could not be fetched.');
      });
  }, [load]);
  void arrived.value;
  const View = known.get(load);
  if (View) return html`<${View} ...${given} />`;
  if (failure.value) return html`<div class="page"><${Alert} failure=${failure.value} /></div>`;
  return html`<p class="waiting" role="status">Opening…</p>`;
}
