// Concentrations and hyper-parameters of the newest run that goes on, or of a named one, ten times a second.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { get } from '../js/api.js';
import { MenuButton } from '../js/rail.js';
import { href, route } from '../js/route.js';
import { Acts, Status, isMoving, useLive, waitsFor } from './jobs.js';
import { LivePlots } from './live.js';

/** @import { JobAnswer } from './types.js' */

/** The named run, else the newest that goes on, else the newest. @param {string | null} named @returns {Promise<{ job: JobAnswer | null }>} */
async function chosen(named) {
  if (named) return { job: await get(`/jobs/${encodeURIComponent(named)}`) };
  for (const query of ['kind=simulation&status=running&limit=1', 'kind=simulation&limit=1']) {
    const page = /** @type {{ items: JobAnswer[] }} */ (await get(`/jobs?${query}`));
    if (page.items[0]) return { job: page.items[0] };
  }
  return { job: null };
}

export function Visualisation() {
  const named = new URLSearchParams(route.value.query).get('job');
  const pinned = useSignal(/** @type {string | null} */ (null));
  const known = useLive(`visualisation/${named}`, ({ job }) => job === null || isMoving(job), async () => {
    const found = await chosen(named ?? pinned.value);
    if (!named && found.job?.status === 'running') pinned.value = found.job.job_id; // it stays when it has ended
    return found;
  });
  const [found, failure] = [known.found.value, known.failure.value];
  const job = /** @type {JobAnswer | null} */ (found?.job ?? null);
  useEffect(() => {
    document.title = `${job?.name ?? 'Live'} · Anima`;
  }, [job?.name]);
  return html`<div class="page learning">
    <header class="title">
      <${MenuButton} />
      <h1>${job ? job.name : 'Live'}</h1>
      ${job && html`<${Status} job=${job} /><${Acts} short job=${job} again=${known.look} />`}
    </header>
    ${failure && html`<${Alert} failure=${failure} />`}
    ${!found && !failure && html`<p class="waiting" role="status">Reading…</p>`}
    ${found && !job && html`<p class="empty">No run yet. <a href=${href({ place: 'learning', job: 'new' })}>Start one</a>, and watch it here.</p>`}
    ${job &&
    html`<p class="quiet">
        <a href=${href({ place: 'learning', job: job.job_id })}>Metrics, logs and configuration</a>, <a href=${href({ place: 'learning' })}>all runs</a>
        ${waitsFor(job) && html`. It waits ${waitsFor(job)}.`}
      </p>
      <${LivePlots} key=${job.job_id} job=${job} onEnd=${known.look} />`}
  </div>`;
}
