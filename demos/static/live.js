// The live view: phases, numbers, pictures and curves of one run, live or recorded.
// props.value: see demos/live/payload.py; props.recordings: demos/unlearn/recorded.py offered; props.texts: demos/text/unlearn.py LIVE; server.poll: see demos/live/feed.py. Drawing shares the cores with
// the run, so nothing here moves on its own (no CSS animation or transition) and nothing is drawn that has not changed or cannot
// be seen.

import { wireBlurSwitch } from './blur.js';
import { Curves } from './curves.js';
import { drawSheet } from './grid.js';
import { clock, fetched, fill, follow, make, missing, partsOf, put } from './lib.js';
import { wireNow } from './now.js';
import { drawPhases } from './phases.js';
import { drawPredictions } from './predictions.js';
import { extend, extent, moment } from './series.js';

const ACTIVE = ['queued', 'running'];
const POLL = 500; // milliseconds between two polls of a run
const SHOWN = 'unlearning-playground-shown'; // set in this tab while it shows a run of its own
const SHARE = 12; // drawing may take 1/12 of a core: a slow browser polls less often

export const mount = (component) => new Live(component);

class Live {
  constructor(component) {
    const { element, props, trigger, server } = component;
    Object.assign(this, { element, props, trigger, server });
    this.T = props.texts;
    this.$ = partsOf(element);
    this.value = null; // what the server sent last, with what came since
    this.view = null;
    this.key = null; // of the run that is shown
    this.follow = ''; // handle for polls; '' where nothing comes
    this.frame = 0;
    this.place = 0; // height of the sheet that was drawn last
    this.playing = false;
    this.timer = null;
    this.turn = 0; // counts what was asked for, so that only the newest answer is shown
    this.chosen = false; // a recording that the visitor asked for stands
    this.curves = new Curves(element, this.T, (name) => this.word(name));
    wireBlurSwitch(this.$('blur'));
    this.$('run').textContent = this.T.runIt;
    this.$('run').addEventListener('click', () => this.runIt());
    this.$('play').addEventListener('click', () => this.pauseOrPlay());
    this.$('back').addEventListener('click', () => this.comeBack());
    wireNow(this.$('ending'), (now) => this.trigger('edit', { key: this.value.key, now }));
    const offered = props.recordings.map(({ key, title }) => make('option', { value: key }, title));
    this.$('which').replaceChildren(make('option', { value: '' }, this.T.recordings), ...offered);
    this.$('which').addEventListener('change', () => this.watch(this.$('which').value));
    document.addEventListener('visibilitychange', () => { if (!document.hidden && this.follow) this.poll(); });
    follow(component, () => this.update());
  }

  word(name) {
    const T = this.T;
    return this.value?.words.map((kind) => T[kind][name]).find(Boolean) || T[name];
  }

  put(part, text) {
    put(this.$(part), text);
  }

  later(wait, what) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => what.call(this), wait);
  }

  // ---- a new value ----------------------------------------------------------------------------------------------
  async update() {
    const sent = this.props.value;
    if (!sent?.mode && !sent?.fetch) return;
    if (sent.yields && this.value?.mode === 'live' && this.key !== 'none') return; // a run that was started meanwhile
    if (sent.fetch && !sent.settled && !this.value && sessionStorage.getItem(SHOWN)) {
      this.put('title', this.T.looking); // a page that is reloaded during a run must not begin with another's pictures
      return;
    }
    // It plays already, or the visitor was faster than the page's first event.
    if (sent.settled && sent.fetch && this.value && (this.chosen || sent.fetch === this.address)) return;
    const turn = ++this.turn;
    // Gradio hands out a proxy, which is slow to read.
    const value = sent.fetch ? await fetched(sent.fetch) : JSON.parse(JSON.stringify(sent));
    if (turn !== this.turn) return; // something else was asked for meanwhile
    this.chosen = false;
    if (sent.mode === 'live' && value.key !== 'none') sessionStorage.setItem(SHOWN, '1'); else sessionStorage.removeItem(SHOWN);
    this.present(value, sent.fetch);
  }

  present(value, address) {
    const recorded = value.mode === 'recorded';
    const fresh = value.key !== this.key;
    this.address = address;
    this.blur(Boolean(value.blurred));
    this.value = value;
    this.view = value.view;
    this.follow = value.follow || '';
    if (fresh) this.begin(recorded);
    this.head();
    if (!recorded) {
      this.draw(value, value.view, true);
      if (this.follow) this.later(POLL, this.poll);
    } else if (fresh) {
      const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
      if (still) this.show(value.frames.length - 1); else this.play(0);
    }
  }

  // ---- a recording that somebody asks for ------------------------------------------------------------------------
  async watch(key) {
    const wanted = this.props.recordings.find((one) => one.key === key);
    this.$('which').value = '';
    if (!wanted) return;
    const turn = ++this.turn;
    this.chosen = true;
    const value = await fetched(wanted.fetch);
    if (turn !== this.turn) return; // a run was started meanwhile
    this.key = null; // the one that plays begins anew
    this.present(value, wanted.fetch);
  }

  comeBack() {
    this.key = null;
    this.present(JSON.parse(JSON.stringify(this.props.value)));
    this.$('which').focus(); // the button that had the focus is gone
  }

  begin(recorded) {
    const T = this.T;
    this.key = this.value.key;
    clearTimeout(this.timer);
    this.playing = false;
    this.put('badge', recorded ? T.recorded : T.live);
    this.$('root').dataset.mode = this.value.mode;
    this.$('run').hidden = this.$('play').hidden = !recorded;
    this.$('back').hidden = !recorded || this.props.value.mode !== 'live' || this.props.value.key === 'none';
    this.$('ending').innerHTML = (this.value.ending || '') + (this.value.now || ''); // made by the server's own templates
    this.end(false);
    // No picture of what was shown before under the new title; the place stays as large.
    const place = this.$('sheet').offsetHeight || this.place;
    if (place) this.$('pictures').style.minHeight = `${place}px`;
    drawSheet(this.$('sheet'), null);
    this.curves.start(this.key);
  }

  end(ended) {
    this.place = this.$('sheet').offsetHeight || this.place;
    this.$('ending').hidden = !ended;
    this.$('root').classList.toggle('ended', ended);
  }

  head() {
    const { note, title, state } = this.value;
    this.put('note', note || '');
    this.put('title', title);
    const root = this.$('root');
    if (root.dataset.state !== state) root.dataset.state = state || '';
    const busy = String(ACTIVE.includes(state));
    this.$('recordings').hidden = ACTIVE.includes(state);
    if (root.getAttribute('aria-busy') !== busy) root.setAttribute('aria-busy', busy);
  }

  blur(blurred) {
    // Before anything is drawn.
    this.$('root').classList.toggle('blurred', blurred);
    this.$('blur').hidden = !blurred;
  }

  // ---- one moment -----------------------------------------------------------------------------------------------
  draw(value, view, all) {
    const T = this.T;
    drawPhases(this.$('phases'), this.$('bar'), view.phases, T);
    this.put('line', value.line);
    this.put('stepline', view.steps ? fill(T.stepOf, { step: view.step, steps: view.steps }) : T.leftNone);
    this.put('elapsed', missing(value.elapsed) ? T.leftNone : clock(value.elapsed));
    this.put('left', missing(value.left) ? T.leftNone : fill(T.about, { time: clock(value.left) }));
    this.put('speed', view.speed === null ? T.leftNone : fill(T.speedUnit, { n: view.speed }));
    this.put('machine', value.machine || T.leftNone);
    this.put('mask', view.density === null ? '' : fill(T.mask, { percent: (100 * view.density).toFixed(1) }));
    this.drawEvidence(value, view);
    this.curves.draw(view, all);
  }

  drawEvidence(value, view) {
    const sheet = this.$('sheet');
    const pictures = this.$('pictures');
    const drawn = value.generates && Boolean(view.sheet);
    // A run draws its first samples after a while: their place stays as large as what stood there, so that nothing below moves.
    if (!value.generates) pictures.style.minHeight = '';
    else if (!drawn && sheet.offsetHeight) pictures.style.minHeight = `${sheet.offsetHeight}px`;
    sheet.style.minHeight = drawn && !sheet.children.length ? pictures.style.minHeight : '';
    sheet.hidden = !drawn;
    pictures.hidden = drawn;
    if (value.generates) drawSheet(sheet, view.sheet);
    // Pictures without a share: this model has no judge, and a chart of what nobody counted would stay empty.
    this.$('accuracy').parentElement.hidden = Boolean(value.generates && view.sheet && !view.accuracy.i.length);
    if (drawn) return;
    drawPredictions(pictures, { run: this.key, value, shown: view.pictures, T: this.T, waiting: this.word('waiting') });
  }

  // ---- playing a recorded run -----------------------------------------------------------------------------------
  show(at) {
    const T = this.T;
    this.frame = at;
    const frame = this.value.frames[at];
    const last = at >= this.value.frames.length - 1;
    this.draw({ ...this.value, line: frame.line, elapsed: frame.elapsed, left: frame.left }, moment(this.value, at), last || !this.playing);
    if (last) this.playing = false;
    this.end(last && Boolean(this.value.ending));
    this.put('play', this.playing ? T.pause : last ? T.again : T.play);
  }

  tick() {
    if (!this.playing || !this.element.isConnected) return;
    if (this.frame < this.value.frames.length - 1) this.show(this.frame + 1);
    if (this.playing) this.later(this.value.pace, this.tick);
  }

  play(from) {
    this.playing = true;
    this.show(from);
    this.later(this.value.pace, this.tick);
  }

  pauseOrPlay() {
    if (!this.playing) {
      this.play(this.frame >= this.value.frames.length - 1 ? 0 : this.frame);
      return;
    }
    this.playing = false;
    clearTimeout(this.timer);
    this.show(this.frame);
  }

  runIt() {
    if (this.value.mode !== 'recorded') return; // a run of the visitor's own was brought back meanwhile
    // Until the visitor has a token, which Unlearn waits for too, a run would be nobody's: the click is kept until then.
    const loading = Boolean(document.querySelector('#unlearn')?.disabled);
    this.$('run').disabled = loading;
    if (loading) setTimeout(() => this.runIt(), POLL / 5);
    else this.trigger('submit', { key: this.value.key });
  }

  // ---- following a live run -------------------------------------------------------------------------------------
  async poll() {
    const handle = this.follow;
    clearTimeout(this.timer);
    if (!handle || !this.element.isConnected) return;
    const { loss, accuracy, pictures, sheet, picturesAt } = this.view;
    const answer = await this.server.poll({
      follow: handle, loss: extent(loss), accuracy: extent(accuracy), picturesAt: pictures.length || sheet ? picturesAt : null,
      images: Object.keys(this.value.pictures).length > 0,
    });
    if (this.follow !== handle) return; // the page shows another run by now
    if (!answer) { this.put('note', this.T.lost); this.later(3000, this.poll); return; }
    if (!ACTIVE.includes(answer.state)) {
      // The end, or a server that no longer knows this page: the whole value comes, with the buttons and Compare.
      this.follow = '';
      this.trigger('select');
      return;
    }
    const began = performance.now();
    this.take(answer);
    this.head();
    if (!document.hidden) {
      this.draw(this.value, this.view);
      await new Promise((resolve) => setTimeout(resolve)); // the curves are drawn by then
    } // else one timer a poll: browsers let a hidden page have one a minute, and a run that waits must be looked at
    const spent = performance.now() - began;
    this.later(Math.max(POLL, Math.min(2 * POLL, SHARE * spent)), this.poll);
  }

  take(answer) {
    const { loss, accuracy, ...rest } = answer.view;
    const curves = { loss: extend(this.view.loss, loss), accuracy: extend(this.view.accuracy, accuracy) };
    this.view = { ...this.view, ...rest, ...curves };
    this.value = { ...this.value, ...answer, view: this.view, pictures: answer.images || this.value.pictures };
  }
}
