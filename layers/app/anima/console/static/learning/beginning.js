// What the forms of a new run and of a new batch share: what is at hand, where it shall run, and the page around them.

import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { useAsked } from '../admin/asked.js';
import { Alert } from '../js/alert.js';
import { get } from '../js/api.js';
import { MenuButton } from '../js/rail.js';
import { href } from '../js/route.js';
import { BACKENDS } from './jobs.js';
import { asked } from './query.js';

/** How much room there is, the job that the address names, and what else is at hand. @template T @param {Promise<T>} further
 * @returns {Promise<{ room: any, job: any, further: T }>} */
export async function beginnings(further) {
  const like = asked().get('like');
  const [found, room, job] = await Promise.all([further, get('/jobs/capacity').catch(() => ({ gpus: 0, backends: [] })), like ? get(`/jobs/${encodeURIComponent(like)}`) : null]);
  return { room, job, further: found };
}

/** The fields of where it runs. @param {{ room: any, gpus: string }} props `gpus`: what counts where none are given */
export function Where({ room, gpus }) {
  return html`<label>Runs on
      <select name="backend"><option value="">as it is set up here</option>${room.backends.map((/** @type {string} */ one) => html`<option key=${one} value=${one}>${BACKENDS[one] ?? one}</option>`)}</select>
    </label>
    ${room.gpus > 0 && html`<label>GPUs <input name="gpus" type="number" min="0" max=${room.gpus} placeholder=${gpus} /></label>`}`;
}

/** The page of a form, which is drawn once what is at hand is known.
 * @param {{ title: string, name: string, further: () => Promise<any>, form: (found: any) => any }} props */
export function Beginning({ title, name, further, form }) {
  const known = useAsked(`${name}/${asked().get('like') ?? ''}`, () => beginnings(further()));
  const [found, failure] = [known.found.value, known.failure.value];
  useEffect(() => {
    document.title = `${title} · Anima`;
  }, []);
  return html`<div class="page learning">
    <header class="title"><${MenuButton} /><h1>${title}</h1><a href=${href({ place: 'learning' })}>All runs</a></header>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${!found && !failure && html`<p class="waiting" role="status">Reading…</p>`}
    ${found && form(found)}
  </div>`;
}
