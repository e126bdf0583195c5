// A table of methods: rows that can be sorted by any column, each cell with value, spread and gap. What it holds: demos/compare/table.py.
import { fill, make, missing } from './lib.js';

const MINUS = '\u2212';

/** A number with so many digits, a real minus sign and commas; no sign of a zero. */
export function shown(value, digits) {
  const text = Math.abs(value).toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** The same of a difference, whose plus is told too. */
export const signed = (value, digits) => (value > 0 && /[1-9]/.test(shown(value, digits)) ? `+${shown(value, digits)}` : shown(value, digits));

/** What a row is ordered by in a column: the score where one is better, else the value; null where nothing was measured. */
function orderOf(row, key) {
  const cell = row.cells[key];
  return missing(cell) ? null : cell.score ?? cell.mean;
}

/** Rows by a column ("" for their names); those that have nothing there come last, whichever way round. */
export function sorted(rows, key, down = false) {
  const turn = down ? -1 : 1;
  return [...rows].sort((a, b) => {
    if (!key) return turn * a.name.localeCompare(b.name);
    const [x, y] = [orderOf(a, key), orderOf(b, key)];
    if (x === null || y === null) return (x === null) - (y === null);
    return turn * (x - y);
  });
}

/** "0.62 ± 0.16": mean and spread. */
export function valueText(cell, column) {
  const mean = shown(cell.mean, column.digits);
  return missing(cell.spread) ? mean : `${mean} ± ${shown(cell.spread, column.digits)}`;
}

/** "5", or "3 of 9" where a row lacks runs that others have. */
export const runsText = (row, T) => (row.of > row.done ? fill(T.runsOf, row) : String(row.done));

export class Ranking {
  /**
   * @param box where the table stands
   * @param T texts (demos/text/compare.py)
   * @param chosen hears of the entry of a run that somebody wants to see; without it no run can be seen
   */
  constructor(box, T, { sortedBy = () => {}, chosen = null } = {}) {
    Object.assign(this, { box, T, sortedBy, chosen, key: null, down: false });
  }

  /** Another table; it keeps the order that somebody chose where it has that column. */
  show(table) {
    this.table = table;
    if (this.key === null || (this.key && !table.columns.some(({ key }) => key === this.key))) {
      this.key = table.by;
      this.down = false;
    }
    this.draw();
  }

  sort(key) {
    this.down = this.key === key && !this.down;
    this.key = key;
    this.draw();
    this.box.querySelector(`[data-sort="${key}"]`).focus();
    const column = this.table.columns.find((one) => one.key === key);
    this.sortedBy(fill(this.down ? this.T.sortedDown : this.T.sortedUp, { column: column ? column.title : this.T.method }));
  }

  rows() {
    return [...this.table.pinned, ...sorted(this.table.rows, this.key, this.down)];
  }

  draw() {
    const { table, T } = this;
    const head = (key, title, kind, { sentence, unit } = {}) => {
      const state = this.key === key ? (this.down ? 'descending' : 'ascending') : 'none';
      const button = make('button', { type: 'button', 'data-sort': key, title: sentence }, title, unit ? make('span', { class: 'unit' }, ` ${unit}`) : '', make('span', { 'aria-hidden': 'true' }, { none: '', ascending: ' ▲', descending: ' ▼' }[state]));
      button.addEventListener('click', () => this.sort(key));
      return make('th', { scope: 'col', class: kind, 'aria-sort': state }, button);
    };
    const heads = [head('', T.method, 'txt'), make('th', { scope: 'col' }, T.runs), ...table.columns.map((column) => head(column.key, column.title, false, column))];
    const body = this.rows().map((row) => this.row(row));
    this.box.setAttribute('aria-label', table.title);
    this.box.replaceChildren(make('table', { class: 'cmp ranking' }, make('thead', {}, make('tr', {}, ...heads)), make('tbody', {}, ...body)));
  }

  row(row) {
    const { T, table } = this;
    const opens = (this.chosen ? row.runs : []).filter(({ status }) => status === 'done').map(({ entry, seed }) => {
      const button = make('button', { type: 'button', class: 'open', title: T.openRun }, fill(T.seed, { seed }));
      button.addEventListener('click', () => this.chosen(entry));
      return button;
    });
    const notes = row.notes.map((note) => make('span', { class: 'note' }, note));
    const cells = table.columns.map((column) => this.cell(row.cells[column.key], column, row));
    const kind = [row.pinned ? 'pinned' : '', row.ours ? 'ours' : ''].join(' ').trim();
    return make('tr', { class: kind || false }, make('th', { scope: 'row' }, row.name, ...notes, ...opens), make('td', {}, row.pinned ? '' : runsText(row, T)), ...cells);
  }

  cell(cell, column, row) {
    const { T } = this;
    if (missing(cell)) return make('td', { class: 'none' }, make('span', { 'aria-hidden': 'true' }, '–'), make('span', { class: 'sr' }, row.pinned ? T.none : T.notMeasured));
    const value = valueText(cell, column);
    const parts = [cell.best ? make('b', {}, value) : value];
    if (!missing(cell.gap)) parts.push(make('span', { class: 'gap' }, fill(T.gap, { gap: signed(cell.gap, column.digits) })));
    if (!missing(cell.beside)) parts.push(make('span', { class: 'gap' }, cell.beside));
    return make('td', {}, ...parts);
  }
}
