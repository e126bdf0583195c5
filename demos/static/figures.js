// A figure of the tab Compare methods: title, drawing, its numbers as a table, and buttons that save it.
import { fill, make, missing, save } from './lib.js';
import { draw } from './planes.js';
import { plot, pngFile, svgFile } from './plots.js';
import { shown } from './ranking.js';

export class Figure {
  /** @param T texts (demos/text/compare.py); name: of its files, without an ending */
  constructor(T, name) {
    Object.assign(this, { T, name });
    this.svg = draw('svg', { role: 'img' });
    this.title = make('figcaption');
    this.note = make('p', { class: 'compare-note' });
    this.numbers = make('div', { class: 'cmp-scroll', tabindex: 0, role: 'region' });
    this.details = make('details', { class: 'compare-more' }, make('summary', {}, T.numbers), this.numbers);
    const button = (kind, content, type) => {
      const node = make('button', { type: 'button', 'aria-label': fill(T.saveFigure, { kind }) }, kind);
      node.addEventListener('click', async () => save(`${this.name}.${kind.toLowerCase()}`, await content(this.svg), type));
      return node;
    };
    this.buttons = make('div', { class: 'compare-save' }, button('SVG', svgFile, 'image/svg+xml'), button('PNG', pngFile, 'image/png'));
    this.drawing = null;
    // What it shows stays as large as its box.
    if (globalThis.ResizeObserver) new ResizeObserver(() => this.draw()).observe(this.svg);
    this.node = make('figure', { class: 'compare-figure' }, this.title, this.svg, this.note, this.details, this.buttons);
  }

  /** What is drawn (plots.js plot), its title and note, and head and rows of its table; rows hold text or numbers with `digits`. */
  show({ title, note = '', head, rows, digits = 1, ...drawing }) {
    this.title.textContent = title;
    this.note.textContent = note;
    this.svg.setAttribute('aria-label', fill(this.T.figureAlt, { title }));
    this.numbers.setAttribute('aria-label', title);
    this.drawing = drawing;
    this.draw(true);
    const text = (value) => (missing(value) ? '–' : typeof value === 'number' ? shown(value, digits) : value);
    this.numbers.replaceChildren(make('table', { class: 'cmp' },
      make('thead', {}, make('tr', {}, ...head.map((words) => make('th', { scope: 'col' }, words)))),
      make('tbody', {}, ...rows.map(([name, ...cells]) => make('tr', {}, make('th', { scope: 'row' }, text(name)), ...cells.map((value) => make('td', {}, text(value))))))));
  }

  draw(anew = false) {
    const width = this.svg.clientWidth;
    if (!this.drawing || (!anew && width === this.width)) return;
    this.width = width;
    plot(this.svg, this.drawing);
  }
}

/** Where each method ends on the plane of what remains (to the right) and what is left of the forgotten (up). `plane`: demos/compare/table.py. */
export function planeOf(plane, T, { title, note }) {
  const lines = plane.ends.map(({ name, way }) => ({ name, points: way, end: true }));
  const place = (name, at) => (at ? { name, at } : null);
  return {
    title, note, lines, x: { title: plane.x, least: 4 }, y: { title: plane.y, least: 4 }, start: place(T.original, plane.start), goal: place(T.retrained, plane.goal), height: 300,
    head: [T.method, plane.x, plane.y],
    rows: [...[[T.original, plane.start], [T.retrained, plane.goal]].filter(([, at]) => at).map(([name, at]) => [name, ...at]), ...plane.ends.map(({ name, way }) => [name, ...way[way.length - 1]])],
  };
}

/** One quantity over the values of a setting, with its spread and the retrained model's level. `sweep`: demos/compare/recorded.py. */
export function sweepOf(sweep, quantity, T) {
  const { key, title, digits } = quantity;
  const points = sweep.points.filter((point) => point[key]).map((point) => [point.value, ...point[key]]);
  const target = missing(sweep.retrained[key]) ? null : { y: sweep.retrained[key], name: T.retrained };
  return {
    title, lines: [{ name: sweep.method, points }], x: { title: sweep.field, range: null }, y: { title, least: 10 ** -digits * 5 }, target, height: 200, digits,
    head: [sweep.field, title, T.spread], rows: points.map(([value, mean, spread]) => [String(value), mean, spread]),
  };
}
