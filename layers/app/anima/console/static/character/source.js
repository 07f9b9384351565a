// A personality as JSON text: its lines numbered and coloured, and problems marked where they stand.

import { html } from 'htm/preact';
import { useId, useRef } from 'preact/hooks';
import { memo } from '../js/memo.js';

/** @import { Problem } from './types.js' */

const COLOURED = 60_000; // beyond that, colours would cost more than they help
const TOKENS = /("(?:[^"\\]|\\.)*"?)(\s*:)?|(-?\d[\d.eE+-]*|true|false|null)|\s+|./g;

/** @param {RegExpMatchArray} token */
function kindOf([, string, colon, plain]) {
  if (string !== undefined) return colon ? 'key' : 'string';
  return plain === undefined ? undefined : 'number';
}

/** @typedef {{ text: string, column: number, plain: boolean }} Given column: of a problem, from 1, or 0 */

/** @param {Given} props */
function Drawn({ text, column, plain }) {
  if (plain && !column) return html`<div class="code-line">${text}</div>`;
  const pieces = [...text.matchAll(TOKENS)].map((token) => {
    const wrong = column > 0 && column - 1 >= token.index && column - 1 < token.index + token[0].length;
    return html`<span class=${wrong ? 'wrong' : kindOf(token)}>${token[0]}</span>`;
  });
  return html`<div class="code-line" data-wrong=${column > 0 || undefined}>${pieces}${column > text.length && html`<span class="wrong"> </span>`}</div>`;
}

const Line = memo(Drawn, (/** @type {Given} */ before, /** @type {Given} */ after) => before.text === after.text && before.column === after.column && before.plain === after.plain);

/** Where a line and column are in a text. @param {string} text @param {number} line @param {number} column */
export function offsetOf(text, line, column) {
  const before = text.split('\n').slice(0, line - 1);
  return before.reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
}

/** @param {{ text: string, problems: Problem[], onChange: (text: string) => void }} props */
export function Source({ text, problems, onChange }) {
  const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const id = useId();
  const lines = text.split('\n');
  const wrong = new Map([...problems].reverse().map((one) => [one.line ?? 0, one.column ?? 1]));
  const plain = text.length > COLOURED;
  /** @param {Problem} problem */
  function show(problem) {
    const at = offsetOf(text, problem.line ?? 1, problem.column ?? 1);
    field.current?.focus();
    field.current?.setSelectionRange(at, at);
    const drawn = field.current?.parentElement?.querySelectorAll('.code-line')[(problem.line ?? 1) - 1];
    drawn?.scrollIntoView({ block: 'center' });
  }
  return html`<div>
    <div class="code" tabindex="-1">
      <div class="drawn" aria-hidden="true">
        ${lines.map((line, index) => html`<${Line} key=${index} text=${line} column=${wrong.get(index + 1) ?? 0} plain=${plain} />`)}
      </div>
      <textarea
        ref=${field}
        aria-label="The personality as JSON"
        aria-invalid=${problems.length > 0}
        aria-describedby=${id}
        spellcheck=${false}
        autocapitalize="none"
        autocomplete="off"
        value=${text}
        onInput=${(/** @type {any} */ event) => onChange(event.target.value)}
      />
    </div>
    <div id=${id} role="status">
      ${problems.length > 0 &&
      html`<ul class="problems" aria-label="Problems">
        ${problems.slice(0, 20).map(
          (one) => html`<li key=${`${one.line}/${one.column}/${one.message}`}>
            <button type="button" class="quiet-button" onClick=${() => show(one)}>
              ${one.line ? `Line ${one.line}, column ${one.column}` : 'Show'}
            </button>
            <span>${one.path && html`<code>${one.path}</code> `}${one.message}</span>
          </li>`,
        )}
        ${problems.length > 20 && html`<li class="quiet">and ${problems.length - 20} more</li>`}
      </ul>`}
    </div>
  </div>`;
}
