// The tab Compare methods: a recorded table of the chosen model. props.texts: demos/text/compare.py COMPARE; props.models: {model, title, fetch}.
import { Figure, planeOf, sweepOf } from './figures.js';
import { fetched, fill, follow, make, partsOf, put, save } from './lib.js';
import { Race } from './race.js';
import { Ranking } from './ranking.js';
import { csv, json, latex, markdown } from './writers.js';

const WRITERS = {
  CSV: { ending: 'csv', type: 'text/csv', write: csv },
  JSON: { ending: 'json', type: 'application/json', write: json },
  Markdown: { ending: 'md', type: 'text/markdown', write: markdown },
  LaTeX: { ending: 'tex', type: 'text/x-tex', write: latex },
};

export const mount = (component) => new Compare(component);

/** Makes the options of a select; the chosen one stays where it is still there. */
function offer(select, options, wanted) {
  const chosen = options.some(([value]) => value === wanted) ? wanted : options[0]?.[0];
  select.replaceChildren(...options.map(([value, text]) => make('option', { value, selected: value === chosen }, text)));
  select.closest('label').hidden = options.length < 2;
}

/** A formula as text with its small letters below and above the line. */
export function formula(text) {
  const parts = text.split(/([_^][\p{L}\p{N}]+)/u).filter(Boolean);
  return make('span', { class: 'formula' }, ...parts.map((part) => ({ _: make('sub', {}, part.slice(1)), '^': make('sup', {}, part.slice(1)) }[part[0]] ?? part)));
}

class Compare {
  constructor(component) {
    const { element, props } = component;
    this.$ = partsOf(element);
    this.T = props.texts;
    this.models = JSON.parse(JSON.stringify(props.models)); // Gradio's proxies are slow to read
    this.table = new Ranking(this.$('table'), this.T, { sortedBy: (words) => put(this.$('sorted'), words) });
    const asked = new URLSearchParams(location.search).get('model');
    offer(this.$('model'), this.models.map(({ model, title }) => [model, title]), asked);
    this.$('model').addEventListener('change', () => this.load());
    this.$('group').addEventListener('change', () => this.group());
    this.$('which').addEventListener('change', () => this.show());
    this.$('save').addEventListener('click', ({ target }) => { if (target.dataset.save) this.save(target.dataset.save); });
    this.plane = new Figure(this.T, 'methods-plane');
    this.$('plane').replaceChildren(this.plane.node);
    this.race = new Race(component, this.T, (kind, table, rows, name, race) => this.write(kind, table, rows, name, { model: race.model, source: `${table.title}. ${race.line}` }));
    follow(component, () => { if (props.value) this.update(JSON.parse(JSON.stringify(props.value))); });
    this.load();
  }

  /** What the server says of the visitor's race; of a lost one what was asked for, which the form then holds. */
  async update(value) {
    if (value.asked) {
      this.$('model').value = value.asked.model;
      await this.load();
    }
    this.race.update(value);
  }

  async load() {
    const { fetch } = this.models.find(({ model }) => model === this.$('model').value);
    this.fetching = fetch;
    try {
      const value = await fetched(fetch);
      if (this.fetching !== fetch) return; // another model was chosen meanwhile
      this.value = value;
    } catch {
      this.$('said').replaceChildren(make('p', {}, this.T.failed));
      return;
    }
    const { about, groups, methods, sweeps } = this.value;
    this.race.offer(this.value.model, this.value.race);
    this.$('about').replaceChildren(...(about ? [about.said, ` ${this.T.by} `, make('code', {}, about.command)] : []));
    offer(this.$('group'), groups.map(({ key, name }) => [key, name]), this.$('group').value);
    this.differences(methods);
    this.$('sweeps').replaceChildren(...sweeps.flatMap((sweep) => this.sweep(sweep)));
    this.group();
  }

  differences(methods) {
    const { T } = this;
    const part = ([words, symbols]) => make('td', { class: 'txt' }, words || T.noPart, ...(symbols ? [formula(symbols)] : []));
    const row = ({ name, paper, parts }) => make('tr', {}, make('th', { scope: 'row' }, name, make('span', { class: 'note' }, paper)), ...parts.map(part));
    const head = make('tr', {}, ...[T.method, ...T.parts].map((title) => make('th', { scope: 'col', class: 'txt' }, title)));
    this.$('differences').replaceChildren(make('table', { class: 'cmp differences' }, make('thead', {}, head), make('tbody', {}, ...methods.map(row))));
  }

  sweep(sweep) {
    const { T } = this;
    const n = Math.min(...sweep.points.map((point) => point.n));
    const note = fill(n > 1 ? T.sweepNote : T.sweepNoteOnce, { help: sweep.help, n });
    const figures = sweep.quantities.map((quantity) => {
      const figure = new Figure(T, `sweep-${quantity.key}`);
      figure.show(sweepOf(sweep, quantity, T));
      return figure.node;
    });
    const about = make('p', { class: 'compare-about' }, make('span', { class: 'compare-badge' }, T.recorded), ` ${sweep.about.said} ${T.by} `, make('code', {}, sweep.about.command));
    return [make('h3', {}, sweep.title), make('p', { class: 'compare-note' }, note), make('div', { class: 'compare-figures' }, ...figures), about];
  }

  group() {
    this.chosen = this.value.groups.find(({ key }) => key === this.$('group').value);
    offer(this.$('which'), this.chosen.tables.map(({ key, name }) => [key, name]), this.$('which').value);
    this.show();
  }

  get shown() {
    return this.chosen.tables.find(({ key }) => key === this.$('which').value);
  }

  show() {
    const { shown } = this;
    this.$('said').replaceChildren(...shown.said.map((line) => make('p', {}, line)));
    this.$('notes').replaceChildren(...shown.notes.map((line) => make('p', {}, line)));
    this.$('meanings').replaceChildren(...shown.columns.flatMap(({ title, sentence }) => [make('dt', {}, title), make('dd', {}, sentence)]));
    put(this.$('saved'), '');
    this.table.show(shown);
    const note = shown.plane.goal ? this.T.planeNote : this.T.planeNoteAlone;
    this.plane.show(planeOf(shown.plane, this.T, { title: this.T.planeTitle, note }));
  }

  save(kind) {
    const { shown, value: { model, about } } = this;
    const name = ['methods', model, this.chosen.key, shown.key.replace(/\W+/g, '-')].filter(Boolean).join('-');
    const saved = this.write(kind, shown, this.table.rows(), name, { model, source: `${shown.title}. ${about.said} ${this.T.by} ${about.command}` });
    put(this.$('saved'), fill(this.T.saved, { name: saved }));
  }

  write(kind, table, rows, name, { model, source }) {
    const { ending, type, write } = WRITERS[kind];
    save(`${name}.${ending}`, kind === 'JSON' ? write(table, rows, { model, source }) : write(table, rows, source), type);
    return `${name}.${ending}`;
  }
}
