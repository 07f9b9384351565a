// The place of learning: all runs, a new one or a new batch, one with its plots, metrics, logs and configuration, or the live plots alone.

import { html } from 'htm/preact';
import { route } from '../js/route.js';
import { NewBatch } from './new_batch.js';
import { NewRun } from './new_run.js';
import { Run } from './run.js';
import { Runs } from './runs.js';
import { Visualisation } from './visualisation.js';

export function Learning() {
  const { place, job } = route.value;
  if (place === 'visualisation') return html`<${Visualisation} />`;
  if (job === 'new') return html`<${NewRun} />`;
  if (job === 'batch') return html`<${NewBatch} />`;
  return job ? html`<${Run} key=${job} id=${job} />` : html`<${Runs} />`;
}
