// The live plots of a job.

import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { isMoving, simulationOf } from './jobs.js';
import { mountPlots } from './plots.js';
import { ask, asked } from './query.js';

/** @import { JobAnswer } from './types.js' */

/** @param {{ job: JobAnswer, onEnd?: () => void }} props */
export function LivePlots({ job, onEnd }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const plots = useRef(/** @type {ReturnType<typeof mountPlots> | null} */ (null));
  const ended = useRef(false);
  const moving = isMoving(job);
  useEffect(() => {
    if (!place.current) return undefined;
    ended.current = false;
    const told = () => {
      ended.current = true;
      onEnd?.();
    };
    plots.current = mountPlots(place.current, { url: `/api/v1/jobs/${job.job_id}/live`, label: job.label ?? undefined, log: asked().has('log'), onEnd: told, onLog: (on) => ask((query) => (on ? query.set('log', 'on') : query.delete('log'))) });
    return () => plots.current?.stop();
  }, [job.job_id]);
  useEffect(() => {
    if (!moving || !ended.current) return;
    ended.current = false;
    plots.current?.again();
  }, [moving]);
  const recorded = simulationOf(job.configuration)?.persistence?.store_trajectory === true && Number(job.step) > 0;
  return html`<div ref=${place}></div>
    ${recorded && html`<p class="quiet"><a href=${`/api/v1/jobs/${job.job_id}/trajectory`} download>Every step of it as a file</a></p>`}`;
}
