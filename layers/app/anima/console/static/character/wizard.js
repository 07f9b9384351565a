// Somebody new in four short steps; the portrait changes with what is chosen.

import { useSignal } from '@preact/signals';
import { html } from 'htm/preact';
import { useEffect, useRef } from 'preact/hooks';
import { Alert } from '../js/alert.js';
import { Failure, asFailure, post } from '../js/api.js';
import { avatars } from '../js/house.js';
import { Portrait } from '../js/portrait.js';
import { Lines, Text } from './fields.js';
import { Heart, Temperament, Words } from './form.js';
import { invite } from './invite.js';
import { Preview } from './preview.js';

/** @import { Edited } from './form.js' */
/** @import { Personality } from './types.js' */

/** What is begun with. @type {Personality} */
const BEGUN = { persona: { name: '', language: 'English' }, advanced_parameters: { verbosity: 'brief' } };

/** What was entered so far; it is still there when one looks elsewhere. */
let kept = BEGUN;

/** @param {Edited} edited */
const Who = (edited) => html`<${Text} ...${edited} path="persona.name" label="What is it called?" max=${100} required />
  <${Text} ...${edited} path="persona.description" label="Who is it?" hint="“You are a patient gardener who …”" rows=${4} max=${20000} />
  <${Text} ...${edited} path="persona.language" label="Which language does it speak?" max=${60} />`;

/** @param {Edited} edited */
const Voice = (edited) => html`<${Text} ...${edited} path="persona.tone" label="How does it sound?" hint="a few adjectives: warm, dry, playful" />
  <${Words} ...${edited} />
  <${Lines} ...${edited} path="persona.limits" label="What does it never do, or always do?" hint="one sentence a line" />`;

/** @type {[string, any][]} */
const STEPS = [
  ['Who it is', Who],
  ['Its voice', Voice],
  ['Temperament', Temperament],
  ['Heart', Heart],
];

/** @param {{ at: number, onGo: (step: number) => void }} props */
function Steps({ at, onGo }) {
  return html`<ol class="steps">
    ${STEPS.map(
      ([name], index) => html`<li key=${name}>
        <button type="button" aria-current=${index === at ? 'step' : undefined} disabled=${index > at && !kept.persona.name} onClick=${() => onGo(index)}>
          <span aria-hidden="true">${index + 1}</span>${name}
        </button>
      </li>`,
    )}
  </ol>`;
}

export function Wizard() {
  const data = useSignal(kept);
  const at = useSignal(0);
  const edited = useSignal('');
  const failure = useSignal(/** @type {Failure | null} */ (null));
  const heading = useRef(/** @type {HTMLElement | null} */ (null));
  const moved = useRef(false);
  useEffect(() => {
    if (moved.current) heading.current?.focus();
  }, [at.value]);
  const change = (/** @type {Personality} */ next, /** @type {string} */ path) => {
    kept = data.value = { ...next, persona: next.persona ?? {} };
    edited.value = path;
  };
  const attempt = async (/** @type {() => Promise<unknown>} */ act) => {
    try {
      failure.value = null;
      await act();
    } catch (error) {
      failure.value = asFailure(error);
    }
  };
  const surprise = () =>
    attempt(async () => {
      const language = /^fr/i.test(data.value.persona.language ?? '') ? 'fr' : 'en';
      const found = await post('/personalities/random', { language });
      change(found.personality, `random/${found.seed}`);
    });
  /** @param {SubmitEvent} event */
  function submitted(event) {
    event.preventDefault();
    moved.current = true;
    if (at.value < STEPS.length - 1) {
      at.value += 1;
      return;
    }
    const { name } = data.value.persona;
    void attempt(async () => {
      await invite(name, data.value);
      kept = BEGUN;
    });
  }
  const step = STEPS[at.value] ?? STEPS[0];
  const name = data.value.persona.name ?? '';
  const taken = (avatars.value ?? []).some((one) => one.name.toLowerCase() === name.trim().toLowerCase());
  return html`<div class="wizard">
    <div>
      <${Steps} at=${at.value} onGo=${(/** @type {number} */ to) => (at.value = to)} />
      <form class="stack" onSubmit=${submitted}>
        <h2 tabindex="-1" ref=${heading}>${step?.[0]}</h2>
        <${step?.[1]} data=${data.value} onChange=${change} />
        ${taken && html`<p class="note warning">Somebody of that name lives here already: take another one.</p>`}
        ${failure.value && html`<${Alert} failure=${failure.value} />`}
        <div class="row">
          ${at.value > 0 && html`<button type="button" onClick=${() => (at.value -= 1)}>Back</button>`}
          <button class="primary" disabled=${at.value === STEPS.length - 1 && taken}>${at.value < STEPS.length - 1 ? 'Go on' : `Make ${name || 'it'}`}</button>
          <button type="button" onClick=${surprise}>Surprise me</button>
        </div>
      </form>
    </div>
    <aside class="becoming" aria-label="How it becomes">
      <${Portrait} avatar=${{ name, personality_name: name, personality: data.value }} size=${160} />
      ${name && html`<details><summary>What it becomes</summary><${Preview} data=${data.value} name=${name} edited=${edited.value} /></details>`}
    </aside>
  </div>`;
}
