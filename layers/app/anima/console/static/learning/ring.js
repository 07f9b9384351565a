// The last points of a run: rings of fixed size, one for each name, and fewer points than there are pixels when drawn.

/** @typedef {{ x: number[], columns: Map<string, (number | null)[]> }} Drawn */

const MOST_MARKS = 500;

/** Adds the steps of a sample at which something happened to those that are known. What is known beyond the sample is of
 * before the run went back, what lies before the first point that is kept can be drawn no more.
 * @param {number[]} known in their order @param {number[]} told @param {number} step of the sample @param {number} first */
export function marked(known, told, step, first) {
  const all = new Set([...known.filter((one) => one <= step), ...told.filter(Number.isFinite)]);
  return [...all].filter((one) => one >= first).sort((one, other) => one - other).slice(-MOST_MARKS);
}

export class Ring {
  /** @param {number} capacity how many points are kept; the oldest make room */
  constructor(capacity) {
    this.capacity = capacity;
    this.first = 0;
    this.length = 0;
    this.steps = new Float64Array(capacity);
    /** @type {Map<string, Float64Array>} */
    this.columns = new Map();
  }

  /** Where the point with this number lies. @param {number} index */
  slot(index) {
    return (this.first + index) % this.capacity;
  }

  /** @param {number} index @returns {number} */
  step(index) {
    return this.steps[this.slot(index)] ?? NaN;
  }

  /** Adds a point. One that is not beyond the last replaces what came after it: the run went back to a checkpoint,
   * or its latest part is sent again.
   * @param {number} step @param {Iterable<[string, number]>} values */
  push(step, values) {
    while (this.length > 0 && this.step(this.length - 1) >= step) this.length -= 1;
    if (this.length === this.capacity) {
      this.first = this.slot(1);
      this.length -= 1;
    }
    const slot = this.slot(this.length);
    this.steps[slot] = step;
    for (const column of this.columns.values()) column[slot] = NaN;
    for (const [name, value] of values) this.column(name)[slot] = value;
    this.length += 1;
  }

  /** @param {string} name */
  column(name) {
    let column = this.columns.get(name);
    if (!column) {
      column = new Float64Array(this.capacity).fill(NaN);
      this.columns.set(name, column);
    }
    return column;
  }

  /** The points, or at most so many: of each stretch its least and its greatest, so that no peak is lost.
   * @param {number} most @returns {Drawn} */
  drawn(most) {
    const wide = this.length > most ? Math.ceil(this.length / Math.floor(most / 2)) : 1;
    /** @type {Drawn} */
    const found = { x: [], columns: new Map([...this.columns.keys()].map((name) => [name, []])) };
    for (let from = 0; from < this.length; from += wide) this.stretch(found, from, Math.min(from + wide, this.length));
    return found;
  }

  /** @param {Drawn} found @param {number} from @param {number} to */
  stretch(found, from, to) {
    const single = to - from < 2;
    found.x.push(this.step(from));
    if (!single) found.x.push(this.step(to - 1));
    for (const [name, column] of this.columns) {
      const [least, greatest] = this.extremes(column, from, to);
      const ends = least <= greatest ? [least, greatest] : [greatest, least];
      const drawn = found.columns.get(name);
      for (const index of single ? [from] : ends) drawn?.push(this.finite(column, index));
    }
  }

  /** The numbers of the least and the greatest value. @param {Float64Array} column @param {number} from @param {number} to
   * @returns {[number, number]} */
  extremes(column, from, to) {
    let [least, greatest] = [from, from];
    for (let index = from + 1; index < to; index += 1) {
      const value = column[this.slot(index)] ?? NaN;
      if (!(value >= (column[this.slot(least)] ?? NaN))) least = Number.isNaN(value) ? least : index;
      if (!(value <= (column[this.slot(greatest)] ?? NaN))) greatest = Number.isNaN(value) ? greatest : index;
    }
    return [least, greatest];
  }

  /** @param {Float64Array} column @param {number} index */
  finite(column, index) {
    const value = column[this.slot(index)] ?? NaN;
    return Number.isFinite(value) ? value : null;
  }

  /** The newest value of a name; null where it is no number. @param {string} name */
  last(name) {
    const column = this.columns.get(name);
    return column && this.length > 0 ? this.finite(column, this.length - 1) : null;
  }
}
