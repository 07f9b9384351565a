// A text that is edited as code: each error at its line, where a press on it leads.

import { html } from 'htm/preact';
import { useRef } from 'preact/hooks';

/** @typedef {{ path: string, message: string, start: number, end: number, line: number }} Problem line 0: of none */

/** @param {{ problems: Problem[], id?: string, show?: (problem: Problem) => void }} props `show` leads to the line of one */
export function Problems({ problems, id, show }) {
  if (problems.length === 0) return null;
  return html`<div id=${id} class="problems" role="alert"><ul aria-label="What is wrong with it">
    ${problems.map((one, index) => {
      const place = html`${one.line > 0 && `Line ${one.line}`}${one.line > 0 && one.path && ', '}${one.path && html`<code>${one.path}</code>`}`;
      return html`<li key=${index}>${one.line > 0 && show ? html`<button type="button" class="quiet-button" onClick=${() => show(one)}>${place}</button>` : place} ${one.message}</li>`;
    })}
  </ul></div>`;
}

/** @param {{ id: string, label: string, rows: number, text: { value: string }, problems: Problem[], described?: string, [more: string]: any }} props
 * `described`: the id of what explains it; what else is given goes to the text area */
export function Editor({ id, label, rows, text, problems, described = '', ...more }) {
  const area = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
  const show = (/** @type {Problem} */ { start, end, line }) => {
    if (!area.current) return;
    area.current.focus();
    area.current.setSelectionRange(start, end);
    const height = area.current.scrollHeight / text.value.split('\n').length;
    area.current.scrollTop = Math.max(0, (line - 4) * height);
  };
  const explained = `${described} ${problems.length ? 'problems' : ''}`.trim();
  return html`<label for=${id}>${label}</label>
    <textarea
      id=${id}
      class="json"
      ref=${area}
      rows=${rows}
      spellcheck="false"
      autocapitalize="off"
      aria-invalid=${problems.length > 0}
      aria-describedby=${explained || undefined}
      value=${text.value}
      onInput=${(/** @type {any} */ event) => (text.value = event.target.value)}
      ...${more}
    ></textarea>
    <${Problems} id="problems" problems=${problems} show=${show} />`;
}
