// The race of the tab Compare methods: its form, and what its runs reach while they are made. See demos/compare/live.py and demos/live/race_payload.py.
import { Figure } from './figures.js';
import { drawSheet } from './grid.js';
import { clock, fill, make, missing, partsOf, put } from './lib.js';
import { Ranking } from './ranking.js';
import { extend, extent } from './series.js';

const ACTIVE = ['queued', 'running'];
const POLL = 700; // milliseconds between two polls
const DRAW = 2000; // milliseconds between two drawings of all curves
const FIRST = 3; // methods that are ticked at first
const CURVES = [['accuracy', 'forget', 'forgetAccuracy'], ['accuracy', 'remain', 'remainAccuracy'], ['loss', 'forget', 'forgetLoss'], ['loss', 'remain', 'remainLoss']];
const SHARES = [0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100];

/** The value with the news of a poll. */
export function together(value, news) {
  const runs = { ...value.runs };
  for (const [entry, run] of Object.entries(news.runs)) {
    runs[entry] = { ...runs[entry], ...run, ...Object.fromEntries(['loss', 'accuracy'].map((name) => [name, extend(runs[entry][name], run[name])])) };
  }
  return { ...value, ...news, runs, rows: [...value.rows, ...news.rows], table: news.table ?? value.table };
}

/** What a page that shows a value tells the server of it. */
export function drawnOf({ follow, rows, runs }) {
  const one = ({ state, picturesAt, loss, accuracy }) => ({ state, picturesAt, loss: extent(loss), accuracy: extent(accuracy) });
  return { follow, rows: rows.length, runs: Object.fromEntries(Object.entries(runs).map(([entry, run]) => [entry, one(run)])) };
}

/** The share of all steps that were made; runs that went to their end or failed count whole. */
export function progress({ runs }) {
  const all = Object.values(runs);
  const shares = all.map(({ state, step, steps }) => (['done', 'failed'].includes(state) ? 1 : steps ? Math.min(1, (step ?? 0) / steps) : 0));
  return shares.reduce((sum, share) => sum + share, 0) / (all.length || 1);
}

/** One quantity of all runs, each over the share of its own run; the runs of a method have its looks, the first of them its name. */
export function linesOf(value, curve, part) {
  const methods = Object.keys(value.methods);
  const named = new Set();
  return Object.values(value.runs).filter((run) => run.state !== 'todo').map((run) => {
    const { i, [part]: values } = run[curve];
    const last = run.steps || i[i.length - 1] || 1;
    const points = i.map((step, k) => [(100 * step) / last, values[k]]).filter(([, y]) => !missing(y));
    const name = named.has(run.method) || !points.length ? '' : value.methods[run.method];
    if (name) named.add(run.method);
    return { k: methods.indexOf(run.method), name, points, bare: points.length > 12, method: value.methods[run.method], seed: run.seed };
  });
}

/** The value of a line at a share of the run, as it was last measured. */
const lastAt = (points, share) => points.filter(([x]) => x <= share + 1e-9).pop()?.[1];

export class Race {
  /** @param writer saves a table: (kind, table, rows, name, source) */
  constructor({ element, trigger, server }, T, writer) {
    Object.assign(this, { T, trigger, server, $: partsOf(element), value: null, timer: null, drawn: 0, asking: 0 });
    this.table = new Ranking(this.$('race-table'), T, { chosen: (entry) => this.open(entry) });
    this.figures = Object.fromEntries(['plane', ...CURVES.map(([, , name]) => name)].map((name) => [name, new Figure(T, `race-${name}`)]));
    this.$('race-figures').replaceChildren(...Object.values(this.figures).map(({ node }) => node));
    this.$('race-seeds').replaceChildren(...[1, 2, 3].map((n) => make('option', { value: n }, String(n))));
    for (const part of ['race-methods', 'race-forget', 'race-seeds']) this.$(part).addEventListener('change', () => this.asked());
    this.$('race-start').addEventListener('click', () => this.begin());
    this.$('race-stop').addEventListener('click', () => { this.$('race-stop').disabled = true; this.trigger('submit', { ask: 'stop' }); });
    this.$('race-save').addEventListener('click', ({ target }) => {
      const { value } = this;
      if (target.dataset.save) writer(target.dataset.save, value.table, this.table.rows(), `race-${value.model}`, value);
    });
    document.addEventListener('visibilitychange', () => { if (!document.hidden && this.following) this.poll(); });
    this.lastOne();
  }

  /** Asks for the visitor's last race once the page knows who the visitor is. */
  lastOne() {
    const ready = document.querySelector('#unlearn:not([disabled]), #stop:not([disabled])');
    if (ready) this.trigger('submit', { ask: 'last' }); else setTimeout(() => this.lastOne(), 300);
  }

  get active() { return ACTIVE.includes(this.value?.state); }

  get following() { return this.active && this.value.follow; }

  // ---- the form ----------------------------------------------------------------------------------------------------
  /** What can be raced on another model. */
  offer(model, { forget, methods }) {
    this.model = model;
    this.$('race-forget').replaceChildren(...forget.map(([value, text]) => make('option', { value }, text)));
    this.$('race-methods').replaceChildren(...methods.map(([value, title], at) => {
      const box = make('input', { type: 'checkbox', value });
      box.checked = at < FIRST;
      return make('label', {}, box, ` ${title}`);
    }));
    this.asked();
  }

  get choice() {
    const methods = [...this.$('race-methods').querySelectorAll('input')].filter((box) => box.checked).map((box) => box.value);
    return { model: this.model, forget: this.$('race-forget').value, methods, seeds: Number(this.$('race-seeds').value) };
  }

  /** Puts what was asked for into the form. */
  ask({ forget, methods, seeds }) {
    for (const box of this.$('race-methods').querySelectorAll('input')) box.checked = methods.includes(box.value);
    this.$('race-forget').value = forget;
    this.$('race-seeds').value = seeds;
    this.asked();
  }

  /** Tells how long the race will take, or what is wrong with the choice. */
  async asked() {
    this.asking += 1;
    const mine = this.asking;
    this.startable = false;
    this.buttons();
    const answer = await this.server.expect(this.choice);
    if (mine !== this.asking) return; // another choice was made meanwhile
    this.startable = !answer.error;
    put(this.$('race-expected'), answer.error || answer.words);
    this.buttons();
  }

  buttons() {
    this.$('race-start').disabled = this.active || !this.startable;
    this.$('race-stop').disabled = !this.active || Boolean(this.value.stopping);
    put(this.$('race-stop'), this.value?.stopping ? this.T.raceStopping : this.T.raceStop);
  }

  begin() {
    this.$('race-start').disabled = true; // a second click would be a second race
    this.fresh = true;
    this.trigger('submit', { ask: 'begin', ...this.choice });
  }

  open(entry) {
    this.trigger('submit', { ask: 'open', entry });
    document.getElementById('tab-unlearn-button')?.click();
  }

  // ---- the race ----------------------------------------------------------------------------------------------------
  /** What the server sent: a whole race, none, or a sentence on what went wrong. */
  update(sent) {
    const error = this.$('race-error');
    error.hidden = !sent.error;
    error.textContent = sent.error || '';
    if (sent.asked) this.ask(sent.asked);
    if (sent.race !== undefined) {
      this.value = sent.race;
      this.$('race').hidden = !sent.race;
      if (sent.race) this.show(true);
    }
    this.buttons();
    if (this.fresh && sent.race) this.$('race-line').focus();
    this.fresh = false;
    this.later();
  }

  later() {
    clearTimeout(this.timer);
    if (this.following) this.timer = setTimeout(() => this.poll(), document.hidden ? 8 * POLL : POLL);
  }

  async poll() {
    clearTimeout(this.timer);
    const { value } = this;
    let news;
    try { news = await this.server.poll(drawnOf(value)); } catch { news = null; }
    if (value !== this.value) return; // another race, or what Stop answered
    if (news?.state === 'gone') { this.trigger('submit', { ask: 'last' }); return; }
    if (news) {
      this.value = together(value, news);
      this.show(!this.active || news.rows.length > 0);
      this.buttons();
    }
    this.later();
  }

  show(all) {
    const { value, T } = this;
    put(this.$('race-title'), value.title);
    put(this.$('race-line'), value.line);
    this.$('race-progress').value = progress(value);
    const facts = [missing(value.elapsed) ? '' : fill(T.elapsed, { time: clock(value.elapsed) }), this.active && !missing(value.left) ? fill(T.left, { time: clock(value.left) }) : '', value.machine];
    put(this.$('race-facts'), facts.filter(Boolean).join(' '));
    if (this.table.table !== value.table) {
      this.table.show(value.table);
      this.$('race-said').replaceChildren(...value.table.said.map((line) => make('p', {}, line)));
      this.$('race-save').hidden = !value.rows.length;
    }
    const now = performance.now();
    if (!all && (now - this.drawn < DRAW || document.hidden)) return;
    this.drawn = now;
    for (const [curve, part, name] of CURVES) this.curve(curve, part, name);
    this.plane();
    if (value.generates) this.samples();
  }

  curve(curve, part, name) {
    const { value, T } = this;
    const lines = linesOf(value, curve, part).filter(({ points }) => points.length);
    const title = (value.generates && T.curvesGenerates[name]) || T.curves[name];
    this.figures[name].node.hidden = !lines.length;
    if (!lines.length) return;
    const percent = curve === 'accuracy';
    const drawing = { lines, x: { title: T.curveX, range: [0, 100] }, y: percent ? { title, range: [-3, 103] } : { title, least: 0.1 } };
    this.figures[name].show({ ...drawing, title, digits: percent ? 1 : 3, head: [T.curveX, ...lines.map(({ method, seed }) => `${method}, ${fill(T.seed, { seed })}`)], rows: SHARES.map((share) => [String(share), ...lines.map(({ points }) => lastAt(points, share))]) });
  }

  plane() {
    const { value, T } = this;
    const [across, up] = [linesOf(value, 'accuracy', 'remain'), linesOf(value, 'accuracy', 'forget')];
    const lines = across.map((line, at) => ({ ...line, end: true, points: line.points.map(([, x], k) => [x, up[at].points[k]?.[1]]).filter(([, y]) => !missing(y)) })).filter(({ points }) => points.length);
    this.figures.plane.node.hidden = !lines.length;
    if (!lines.length) return;
    const retrained = value.rows.find((row) => row.retrained)?.retrained;
    const at = retrained ? [retrained.JA_remain ?? retrained.RA, retrained.FA] : null;
    const titles = value.generates ? T.curvesGenerates : T.curves;
    this.figures.plane.show({
      title: T.racePlane, note: at ? T.racePlaneNote : T.racePlaneNoteAlone, lines, height: 300, x: { title: titles.remainAccuracy, least: 8 }, y: { title: titles.forgetAccuracy, least: 8 },
      goal: at ? { name: T.retrained, at } : null, head: [T.method, titles.remainAccuracy, titles.forgetAccuracy],
      rows: [...lines.map(({ method, seed, points }) => [`${method}, ${fill(T.seed, { seed })}`, ...points[points.length - 1]]), ...(at ? [[T.retrained, ...at]] : [])],
    });
  }

  /** The pictures of the first seed of each method, as they are now. */
  samples() {
    const { value, T } = this;
    const box = this.$('race-samples');
    const first = Object.entries(value.runs).filter(([, run], at, all) => run.sheet && all.findIndex(([, other]) => other.method === run.method) === at);
    if (!first.length) return;
    const have = [...box.querySelectorAll('.sheet')].map((node) => node.dataset.entry).join();
    if (have !== first.map(([entry]) => entry).join()) {
      const rows = first.flatMap(([entry, run]) => [make('h5', {}, value.methods[run.method]), make('div', { class: 'sheet', 'data-entry': entry })]);
      box.replaceChildren(make('h4', {}, T.raceSamples), ...rows);
    }
    for (const node of box.querySelectorAll('.sheet')) drawSheet(node, value.runs[node.dataset.entry].sheet);
  }
}
