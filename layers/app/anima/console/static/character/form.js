// The usual parts of a personality as a form; what it does not show stays in the text as it is.

import { html } from 'htm/preact';
import { Choice, Lines, Slider, Text } from './fields.js';
import { AMOUNT, ATTACHMENT, BIG_FIVE, HUMOUR, LOVE, PARAMETERS, VERBOSITY } from './traits.js';

/** @import { Personality } from './types.js' */

/** @typedef {{ data: Personality, onChange: (data: Personality, path: string) => void }} Edited */

/** @param {Edited} edited */
export function Persona(edited) {
  return html`<${Text} ...${edited} path="persona.name" label="Name of the personality" max=${100} required />
    <${Text} ...${edited} path="persona.description" label="Who it is" hint="in the second person: “You are …”" rows=${5} max=${20000} />
    <div class="pair">
      <${Text} ...${edited} path="persona.language" label="Language" hint="by its name" max=${60} />
      <${Text} ...${edited} path="persona.tone" label="Tone" hint="a few adjectives" />
    </div>
    <${Text} ...${edited} path="persona.style" label="How its sentences are made" />`;
}

/** @param {Edited} edited */
export function Temperament(edited) {
  return html`${BIG_FIVE.map(
    ([name, words, low, high]) => html`<${Slider} ...${edited} key=${name} path=${`big_five.${name}`} label=${words} low=${low} high=${high} share />`,
  )}`;
}

/** @param {Edited} edited */
export function Heart(edited) {
  return html`<div class="pair">
      <${Choice} ...${edited} path="humour_style" label="Humour" options=${HUMOUR} />
      <${Choice} ...${edited} path="love_language" label="How it shows that it cares" options=${LOVE} />
      <${Choice} ...${edited} path="attachment_style" label="How it holds on" options=${ATTACHMENT} />
    </div>
    <div class="pair">
      <${Lines} ...${edited} path="values" label="What matters to it" />
      <${Lines} ...${edited} path="interests" label="What it likes to talk about" />
    </div>`;
}

/** @param {Edited} edited */
export function Words(edited) {
  return html`<div class="pair">
    <${Choice} ...${edited} path="advanced_parameters.verbosity" label="Length of replies" options=${VERBOSITY} />
    <${Choice} ...${edited} path="persona.emojis" label="Emojis" options=${AMOUNT} />
    <${Choice} ...${edited} path="advanced_parameters.questions" label="Questions" options=${AMOUNT} />
  </div>`;
}

/** How many there are of what is edited in the text alone. @param {{ data: Personality }} props */
function InText({ data }) {
  const counted = [
    [data.hierarchical_config?.relationship_levels?.length, 'one level of closeness', 'levels of closeness'],
    [data.moods?.length, 'one mood', 'moods'],
    [data.examples?.length, 'one example', 'examples'],
    [data.lorebook?.entries?.length, 'one entry of lore', 'entries of lore'],
  ].filter(([count]) => count);
  if (!counted.length) return null;
  return html`<p class="quiet">The text holds more: ${counted.map(([count, one, many]) => (count === 1 ? one : `${count} ${many}`)).join(', ')}.</p>`;
}

/** @param {Edited} edited */
export function Form(edited) {
  return html`<div class="stack">
    <fieldset class="stack"><legend>Who it is</legend><${Persona} ...${edited} /></fieldset>
    <fieldset class="stack"><legend>Temperament</legend><${Temperament} ...${edited} /></fieldset>
    <fieldset class="stack"><legend>Heart</legend><${Heart} ...${edited} /></fieldset>
    <fieldset class="stack">
      <legend>Words</legend>
      <${Words} ...${edited} />
      <${Lines} ...${edited} path="persona.limits" label="What it never does, or always does" hint="one sentence a line" rows=${4} />
      <div class="pair">
        <${Lines} ...${edited} path="persona.phrases" label="Turns of phrase that it likes" />
        <${Lines} ...${edited} path="persona.expertise" label="What it knows well" />
      </div>
      <${Text} ...${edited} path="first_message" label="What it may say first" rows=${2} max=${20000} />
    </fieldset>
    <fieldset class="stack">
      <legend>How replies are drawn</legend>
      ${PARAMETERS.map(
        ([name, words, least, most, step, low, high]) =>
          html`<${Slider} ...${edited} key=${name} path=${`advanced_parameters.${name}`} label=${words} least=${least} most=${most} step=${step} low=${low} high=${high} />`,
      )}
    </fieldset>
    <${InText} data=${edited.data} />
  </div>`;
}
