// The tab Learn: seven steps on the toy, one knob a step. Once mounted it asks the server for nothing.
// props.lesson: texts (demos/text/learn.py LEARN), toy (rows) and recorded (the recorded run, or null), or where they can be fetched; see demos/learn/page.py.
import { fisherBars, lossCurves, recordedCurves, recordedPictures } from './charts.js';
import { asked, digits, facts, LESSONS, MOST_K, moment, steepest } from './lesson.js';
import { fetched, fill, make, partsOf, put } from './lib.js';
import { DataPlane, WeightPlane } from './planes.js';
import { makeToy, measures, path, rowShares } from './toy.js';

const TAB = 'tab-learn-button';
const QUIET = 500; // milliseconds without a change after which the numbers are read aloud

let ready = null; // what the lesson needs, once it was fetched

/** Fetches it, and computes what all steps have in common. */
async function prepare(lesson) {
  const given = typeof lesson === 'string' ? await fetched(lesson) : lesson;
  const toy = makeToy(given.toy);
  return { ...given, toy, facts: facts(toy) };
}

/** Prepares the lesson before anybody opens its tab; the page's config says where it lies. */
export function warm() {
  const part = window.gradio_config?.components?.find(({ props }) => props.elem_id === 'learn');
  if (part) ready ??= prepare(part.props.props.lesson).catch(() => null);
}

export const mount = async ({ element, props: { lesson } }) => new Learn(element, (await ready) ?? await prepare(lesson));

class Learn {
  constructor(element, { texts, toy, facts: found, recorded }) {
    const began = performance.now();
    this.$ = partsOf(element);
    this.T = texts;
    this.toy = toy;
    this.recorded = recorded;
    this.facts = found;
    this.states = LESSONS.map(({ from }) => ({ t: null, k: 0, gamma: 1, w: this.toy.original, guess: null, ...from }));
    this.data = new DataPlane(this.$('data'), this.toy);
    this.weights = new WeightPlane(this.$('weights'), this.toy, this.T, (w) => this.turn({ w }));
    this.buttons();
    const wanted = asked(new URLSearchParams(location.search));
    this.open(wanted.step, Object.fromEntries(Object.entries(wanted).filter(([name, value]) => name !== 'step' && value !== null)));
    this.ready = true; // from now on the address follows
    performance.measure('learn-first', { start: began, end: performance.now() });
  }

  buttons() {
    const { T } = this;
    const step = (words, at) => {
      const button = make('button', { type: 'button' }, make('b', {}, String(at + 1)), ` ${words.title}`);
      button.addEventListener('click', () => this.open(at + 1));
      return make('li', {}, button);
    };
    this.$('steps').replaceChildren(...T.steps.map(step));
    this.$('back').addEventListener('click', () => this.open(this.step - 1, {}, true));
    this.$('next').addEventListener('click', () => this.open(this.step + 1, {}, true));
    this.$('try').addEventListener('click', () => document.getElementById('tab-unlearn-button')?.click());
    this.$('table-box').addEventListener('toggle', () => this.table());
    // What is left behind in the address would open this tab again when another one is reloaded.
    document.getElementById('tabs')?.addEventListener('click', (event) => {
      const tab = event.target.closest?.('[role=tab]');
      if (tab) this.address(tab.id === TAB);
    });
  }

  get state() { return this.states[this.step - 1]; }

  get lesson() { return LESSONS[this.step - 1]; }

  get words() { return this.T.steps[this.step - 1]; }

  // ---- one of the seven ------------------------------------------------------------------------------------------
  open(step, state = {}, move = false) {
    this.step = Math.min(LESSONS.length, Math.max(1, step));
    Object.assign(this.state, state);
    const { words, T } = this;
    for (const [at, li] of [...this.$('steps').children].entries()) {
      if (at + 1 === this.step) li.firstChild.setAttribute('aria-current', 'step'); else li.firstChild.removeAttribute('aria-current');
    }
    put(this.$('title'), `${this.step}. ${words.title}`);
    for (const part of ['point', 'do', 'theory', 'ask', 'pupils']) put(this.$(part), fill(words[part], this.facts));
    put(this.$('weights-note'), words.weights);
    this.$('closing').hidden = this.step < LESSONS.length;
    this.$('back').disabled = this.step === 1;
    this.$('next').disabled = this.step === LESSONS.length;
    this.$('data').setAttribute('aria-label', T.dataAlt);
    this.$('weights').setAttribute('aria-label', T.weightsAlt);
    this.guess();
    this.knob();
    this.show();
    if (move) this.$('title').focus();
  }

  guess() {
    const { words, state } = this;
    put(this.$('question'), fill(words.question, this.facts));
    const buttons = words.choices.map((choice, at) => {
      const button = make('button', { type: 'button', 'aria-pressed': String(state.guess === at) }, choice);
      button.addEventListener('click', () => {
        state.guess = at;
        this.guess();
        this.$('choices').children[at].focus();
      });
      if (state.guess !== null) {
        button.classList.toggle('right', at === words.right);
        if (at === words.right || at === state.guess) button.prepend(at === words.right ? '✓ ' : '✗ ');
      }
      return button;
    });
    this.$('choices').replaceChildren(...buttons);
    put(this.$('answer'), state.guess === null ? '' : fill(words.answer, this.facts));
  }

  // ---- its knob ---------------------------------------------------------------------------------------------------
  knob() {
    const { T, toy, lesson } = this;
    const box = this.$('knob');
    this.follow = () => {};
    if (lesson.knob === 'weights') {
      const fields = [0, 1].map((j) => this.field(`w${j + 1}`, { min: lesson.box['xy'[j]][0], max: lesson.box['xy'[j]][1], step: 0.05 }, (value) => {
        const w = [...this.state.w];
        w[j] = value;
        this.turn({ w });
      }));
      const models = ['original', 'retrained'].map((name) => this.button(T[name], () => this.turn({ w: toy[name] })));
      box.replaceChildren(make('div', { class: 'fields' }, ...fields.map(({ node }) => node)), make('div', { class: 'buttons' }, ...models));
      this.follow = () => { for (const [j, field] of fields.entries()) field.set(this.state.w[j].toFixed(2)); };
      return;
    }
    const ranges = {
      t: { min: 0, max: 60, step: 1 }, k: { min: 0, max: MOST_K, step: 1 }, gamma: { min: -1, max: 1, step: 0.02 },
    };
    const range = ranges[lesson.knob];
    if (lesson.knob === 't') range.max = path(toy, lesson.way(this.state)).length - 1;
    const [read, write] = lesson.knob === 'gamma' ? [(v) => 10 ** v, Math.log10] : [Math.round, (v) => v];
    const label = T.knobs[lesson.knob];
    const slider = make('input', { type: 'range', ...range, 'aria-label': label });
    const number = this.field(label, lesson.knob === 'gamma' ? { min: 0.1, max: 10, step: 0.1 } : range, (value) => this.turn({ [lesson.knob]: value }));
    slider.addEventListener('input', () => this.turn({ [lesson.knob]: read(Number(slider.value)) }));
    const buttons = lesson.knob === 't' ? [
      this.button(T.oneStep, () => this.turn({ t: Math.min(range.max, this.now + 1) })), this.button(T.toStart, () => this.turn({ t: 0 })),
      this.button(T.toEnd, () => this.turn({ t: range.max })),
    ] : [];
    box.replaceChildren(make('div', { class: 'fields' }, number.node, slider), make('div', { class: 'buttons' }, ...buttons));
    this.follow = () => {
      const value = lesson.knob === 't' ? this.now : this.state[lesson.knob];
      slider.value = write(value);
      slider.setAttribute('aria-valuetext', lesson.knob === 'gamma' ? value.toFixed(2) : value);
      number.set(lesson.knob === 'gamma' ? value.toFixed(2) : value);
    };
  }

  button(text, then) {
    const button = make('button', { type: 'button' }, text);
    button.addEventListener('click', then);
    return button;
  }

  /** A number box; what is no number, or out of range, changes nothing. */
  field(label, { min, max, step }, then) {
    const input = make('input', { type: 'number', min, max, step });
    input.addEventListener('change', () => {
      const value = Number.parseFloat(input.value);
      if (value >= min && value <= max) then(step === 1 ? Math.round(value) : value); else this.follow();
    });
    return { node: make('label', {}, `${label} `, input), set: (value) => { input.value = value; } };
  }

  turn(change) {
    Object.assign(this.state, change);
    this.show();
  }

  // ---- everything that follows the knob ---------------------------------------------------------------------------
  show() {
    const { toy, lesson, state } = this;
    const points = lesson.way ? path(toy, lesson.way(state)) : null;
    const last = points ? points.length - 1 : 0;
    this.points = points;
    this.now = points ? Math.min(last, lesson.knob === 't' ? state.t ?? last : last) : 0;
    const w = points ? points[this.now].w : state.w;
    const arrows = lesson.steepest ? steepest(toy, w) : null;
    this.data.show(w, lesson.weighs ? rowShares(toy, w, this.now) : null);
    this.weights.show({
      box: lesson.box, w, free: lesson.knob === 'weights', points, upTo: this.now, way: this.step === 1, steepest: arrows,
      ghost: lesson.ghost ? path(toy, lesson.ghost) : null,
    });
    this.follow();
    this.chart(points);
    this.numbers(measures(toy, w), arrows);
    this.real(last);
    this.table();
    this.address(true);
  }

  chart(points) {
    const { toy, T, lesson, state } = this;
    const svg = this.$('chart');
    svg.parentElement.hidden = !points;
    if (!points) return;
    svg.setAttribute('aria-label', lesson.knob === 'gamma' ? T.barsAlt : T.curvesAlt);
    put(this.$('chart-title'), lesson.knob === 'gamma' ? T.barsTitle : T.curvesTitle);
    if (lesson.knob === 'gamma') {
      fisherBars(svg, T, { fisher: toy.fisher, free: toy.ratio.map((ratio) => ratio >= state.gamma) });
      return;
    }
    const all = points.map(({ w }) => measures(toy, w));
    lossCurves(svg, T, {
      forget: all.map((one) => one.forget), remain: all.map((one) => one.remain), at: this.now,
      target: toy.target, best: measures(toy, toy.retrained).remain,
    });
  }

  numbers(found, arrows) {
    const { T, toy } = this;
    const rows = [
      ['forget', T.forgetLoss, digits(found.forget)], ['remain', T.remainLoss, digits(found.remain)], ['', T.distance, digits(found.distance)],
      ['', T.kl, digits(1000 * found.kl, 1)], ['', T.known, `${found.known} / ${toy.forget.x.length}`],
    ];
    if (arrows) {
      rows.length = 2;
      for (const name of ['circle', 'ellipse']) rows.push([name, T[name], fill(T.gain, { forget: digits(arrows[name].forget, 2), kl: digits(1000 * arrows[name].kl, 1) })]);
    }
    this.$('numbers').replaceChildren(...rows.map(([set, name, value]) => make('div', { class: set }, make('dt', {}, name), make('dd', {}, value))));
    clearTimeout(this.saying);
    const said = fill(T.said, { step: this.now, forget: digits(found.forget, 2), remain: digits(found.remain, 2), distance: digits(found.distance, 2) });
    if (this.ready) this.saying = setTimeout(() => put(this.$('said'), said), QUIET);
  }

  /** The recorded run of the shipped classifier at the same moment. */
  real(last) {
    const { recorded, T, words, lesson, state } = this;
    this.$('real').hidden = !recorded;
    if (!recorded) return;
    const { curve } = recorded;
    const wanted = moment(lesson, { ...state, t: this.now }, last);
    const at = curve.i.reduce((best, i, k) => (Math.abs(i - wanted) < Math.abs(curve.i[best] - wanted) ? k : best), 0);
    const values = {
      ...recorded, step: curve.i[at], forget: digits(curve.forget[at], 1), remain: digits(curve.remain[at], 1), last: digits(curve.forget[curve.i.length - 1], 1),
    };
    recordedCurves(this.$('recorded'), { curve, at });
    recordedPictures(this.$('pictures'), T, { ...recorded, i: curve.i[at] });
    this.$('recorded').setAttribute('aria-label', T.recordedAlt);
    put(this.$('real-line'), fill(T.recorded, values));
    put(this.$('real-why'), fill(words.real, values));
  }

  table() {
    if (!this.$('table-box').open) return;
    const { T, toy, points, state } = this;
    const rows = points ? points.map(({ w }, t) => [String(t), w]) : [[T.original, toy.original], [T.retrained, toy.retrained], [T.yours, state.w]];
    const cell = (name, w) => {
      const { forget, remain, distance, kl } = measures(toy, w);
      return make('tr', {}, make('th', { scope: 'row' }, name), ...[digits(w[0]), digits(w[1]), digits(forget), digits(remain), digits(distance), digits(kl, 4)].map((text) => make('td', {}, text)));
    };
    const head = make('tr', {}, ...T.head.map((text) => make('th', { scope: 'col' }, text)));
    this.$('table').replaceChildren(make('table', {}, make('thead', {}, head), make('tbody', {}, ...rows.map((row) => cell(...row)))));
  }

  /** Step and knob in the address, so that it can be copied; out of it where another tab is `shown`. */
  address(shown) {
    if (!this.ready) return;
    const url = new URL(location.href);
    for (const name of ['tab', 'step', 't', 'k', 'gamma', 'w1', 'w2']) url.searchParams.delete(name);
    if (shown) {
      const { knob } = this.lesson;
      url.searchParams.set('tab', 'learn');
      url.searchParams.set('step', this.step);
      if (knob === 't') url.searchParams.set('t', this.now);
      if (knob === 'k') url.searchParams.set('k', this.state.k);
      if (knob === 'gamma') url.searchParams.set('gamma', this.state.gamma.toFixed(2));
      if (knob === 'weights') for (const j of [0, 1]) url.searchParams.set(`w${j + 1}`, this.state.w[j].toFixed(2));
    }
    history.replaceState(history.state, '', url);
  }
}
