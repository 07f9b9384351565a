// What a batch is given: lines of JSON as they are, or plain lines, each a prompt of its own.

/** @import { Problem } from './editor.js' */

export const MOST_LINES = 10_000;
/** Whole, as the server takes it. */
const MOST_BYTES = 1_000_000;
const ASKED = ['prompt', 'messages', 'text'];

/** @param {string} line @returns {any} what it says, or why it says nothing */
function read(line) {
  try {
    const found = JSON.parse(line);
    if (found === null || typeof found !== 'object' || Array.isArray(found)) return { wrong: 'is no JSON object' };
    if (found.id === undefined) return { wrong: 'has no id' };
    const asked = ASKED.filter((name) => name in found).length;
    return asked === 1 ? { found } : { wrong: 'has none or several of prompt, messages and text' };
  } catch (error) {
    return { wrong: `is no JSON: ${String(error).replace(/^SyntaxError: /, '').replace(/ in JSON at position.*| \(line \d+ column \d+\)$/, '')}` };
  }
}

/** The lines of a text, and what is wrong with some of them. Where it begins with a brace every line is JSON; else each is
 * what is asked, under its number. @param {string} text @param {'prompt' | 'text'} field what a plain line is
 * @returns {{ lines: any[], problems: Problem[] }} */
export function linesOf(text, field) {
  const asJson = text.trimStart().startsWith('{');
  const lines = [];
  /** @type {Problem[]} */
  const problems = [];
  let start = 0;
  for (const [index, line] of text.split('\n').entries()) {
    const { found, wrong } = asJson && line.trim() ? read(line) : { found: { id: index + 1, [field]: line.trim() }, wrong: '' };
    if (wrong) problems.push({ path: '', message: wrong, start, end: start + line.length, line: index + 1 });
    else if (line.trim()) lines.push(found);
    start += line.length + 1;
  }
  return { lines, problems: problems.slice(0, 20) };
}

/** Why so much is not taken; nothing where it is. @param {any[]} lines @param {string} body of the request */
export function tooMuch(lines, body) {
  if (lines.length === 0) return 'There is no line in it yet.';
  if (lines.length > MOST_LINES) return `These are ${lines.length.toLocaleString('en')} lines, and one batch takes ${MOST_LINES.toLocaleString('en')} here: cut them, or let “anima infer FILE --here” answer them.`;
  const size = new Blob([body]).size;
  return size > MOST_BYTES ? `These lines take ${(size / 1e6).toFixed(1)} MB, and one batch takes 1 MB here: cut them, or let “anima infer FILE --here” answer them.` : '';
}
