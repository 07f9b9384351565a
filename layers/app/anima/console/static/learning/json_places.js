// Where in a JSON text each value lies, so that an error that names a path can be shown at its line.

/** @typedef {{ start: number, end: number }} Span */

const TOKEN = /\s*(?:("(?:[^"\\]|\\.)*")|([{}[\]:,])|([^\s{}[\]:,"]+))/y;

class Reader {
  /** @param {string} text */
  constructor(text) {
    this.text = text;
    this.at = 0;
    /** @type {Map<string, Span>} */
    this.found = new Map();
  }

  /** @returns {{ word: string, start: number, end: number }} */
  next() {
    TOKEN.lastIndex = this.at;
    const match = TOKEN.exec(this.text);
    const word = match?.[1] ?? match?.[2] ?? match?.[3];
    if (word === undefined) throw new SyntaxError('end');
    this.at = TOKEN.lastIndex;
    return { word, start: this.at - word.length, end: this.at };
  }

  /** @param {string} path @param {number} depth */
  value(path, depth = 0) {
    const { word, start } = this.next();
    if (depth < 100 && (word === '{' || word === '[')) this.members(path, word, depth);
    this.found.set(path, { start, end: this.at });
  }

  /** @param {string} path @param {string} open @param {number} depth */
  members(path, open, depth) {
    const close = open === '{' ? '}' : ']';
    for (let index = 0; ; index += 1) {
      const before = this.at;
      const { word } = this.next();
      if (word === close) return;
      if (word === ',') {
        index -= 1;
        continue;
      }
      let name = String(index);
      if (open === '{') {
        name = JSON.parse(word);
        this.next(); // the colon
      } else this.at = before;
      this.value(path ? `${path}.${name}` : name, depth + 1);
    }
  }
}

/** The places of all values by their dotted paths; as far as the text can be read. @param {string} text @returns {Map<string, Span>} */
function places(text) {
  const reader = new Reader(text);
  try {
    reader.value('');
  } catch {
    // what was found until here still helps
  }
  return reader.found;
}

/** The place of a path, or of the nearest one above it that is in the text; line 0: of none. @param {string} text @param {string} path */
export function placeOf(text, path) {
  const found = places(text);
  const parts = path.replace(/^\$?\.?/, '').replace(/^\/|\[(\d+)\]/g, '.$1').replaceAll('/', '.').split('.').filter(Boolean);
  while (parts.length && ['body', 'simulation'].includes(parts[0] ?? '')) parts.shift();
  for (; parts.length; parts.pop()) {
    const place = found.get(parts.join('.'));
    if (place) return { ...place, line: lineOf(text, place.start) };
  }
  return { start: 0, end: 0, line: 0 };
}

/** @param {string} text @param {number} at */
const lineOf = (text, at) => text.slice(0, at).split('\n').length;

/** Why a text is no JSON, and where; null where it is. @param {string} text @returns {{ start: number, end: number, line: number, message: string } | null} */
export function fault(text) {
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const start = Number(/position (\d+)/.exec(message)?.[1] ?? text.length);
    return { start, end: Math.min(start + 1, text.length), line: lineOf(text, start), message };
  }
}
