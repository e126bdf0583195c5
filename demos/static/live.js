// The live view: phases, numbers, pictures and curves of one run. Runs as gr.HTML's js_on_load.
// props.value: see demos/live.py; props.texts: demos/copy.py LIVE; props.plotly: address of plotly.min.js on this server.
// A generator's samples are drawn by grid.js, which stands before this script. server.look: see demos/looks.py. Drawing shares the cores with the run, so nothing here moves on its own (no CSS
// animation or transition) and nothing is drawn that has not changed or cannot be seen.
const T = props.texts;
const $ = (part) => element.querySelector(`[data-part="${part}"]`);
const word = (name) => (state.value && state.value.words.map((kind) => T[kind][name]).find(Boolean)) || T[name];
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);
const COLOURS = { light: { forget: '#c2410c', remain: '#1d4ed8' }, dark: { forget: '#fb923c', remain: '#7aa2ff' } };
const PLOTS = ['loss', 'accuracy'];
const ACTIVE = ['queued', 'running'];
const LOOK = 500; // milliseconds between two looks at a run
const ROWS = 60; // of a table beside a curve, about
const FEW = 12; // so many points get a sign each: with signs a curve takes twice as long to draw
const PLOT_EVERY = 1000; // milliseconds between two drawings of a curve
const SHARE = 12; // drawing may take 1/12 of a core: a slow browser looks less often
const state = {
  value: null, key: null, view: null, frame: 0, playing: false, timer: null, pictures: '', drawn: null,
  follow: '', seen: new Map(),
};

// ---- words and numbers ------------------------------------------------------------------------------------------
function clock(seconds) {
  if (seconds === null || seconds === undefined) return T.leftNone;
  if (seconds < 10) return seconds.toFixed(1) + ' s';
  const whole = Math.round(seconds);
  return whole < 60 ? whole + ' s' : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}
function put(part, text) {
  const node = $(part);
  if (node.textContent !== text) node.textContent = text;
}

function drawPhases(phases) {
  const list = $('phases');
  if (list.children.length !== phases.length) {
    list.replaceChildren(...phases.map((phase) => {
      const item = document.createElement('li');
      item.innerHTML = '<span class="dot" aria-hidden="true"></span><span class="name"></span><span class="units"></span><span class="sr"></span>';
      item.querySelector('.name').textContent = T.phases[phase.id];
      return item;
    }));
  }
  const signs = { todo: '', now: '▶', done: '✓', stopped: '■', skipped: '–' };
  phases.forEach((phase, at) => {
    const item = list.children[at];
    if (item.dataset.state !== phase.state) {
      item.dataset.state = phase.state;
      item.querySelector('.dot').textContent = signs[phase.state];
      item.querySelector('.sr').textContent = ', ' + T.states[phase.state];
      if (phase.state === 'now') item.setAttribute('aria-current', 'step');
      else item.removeAttribute('aria-current');
    }
    const units = phase.state === 'now' && phase.total ? fill(T.unitOf, phase) : '';
    const node = item.querySelector('.units');
    if (node.textContent !== units) node.textContent = units;
  });
  const now = phases.find((p) => p.state === 'now' || p.state === 'stopped');
  const bar = $('bar');
  const all = phases.length && phases.every((p) => p.state === 'done' || p.state === 'skipped');
  if (now && now.total) { bar.max = now.total; bar.value = now.done; }
  else if (all) { bar.max = 1; bar.value = 1; }
  else if (now && now.state === 'now') bar.removeAttribute('value');
  else { bar.max = 1; bar.value = 0; }
  bar.setAttribute('aria-label', now ? T.phases[now.id] : T.stepper);
}

// ---- pictures ---------------------------------------------------------------------------------------------------
function drawPictures(value, shown) {
  const grid = $('pictures');
  const shape = JSON.stringify([state.key, shown.map((p) => [p[0], p[1], p[4]])]);
  if (shape !== state.pictures) {
    state.pictures = shape;
    grid.replaceChildren();
    const groups = [[], []];
    shown.forEach((p, at) => groups[value.forgotten === null || value.forgotten.includes(p[1]) ? 0 : 1].push(at));
    const titles = [value.forgotten === null ? T.toForgetSamples : T.toForget, T.toKeep];
    groups.forEach((members, at) => {
      if (!members.length) return;
      const section = document.createElement('section');
      section.className = at ? 'keep' : 'forget';
      const title = document.createElement('h4');
      title.textContent = titles[at];
      const row = document.createElement('div');
      row.className = 'row';
      for (const index of members) {
        const figure = document.createElement('figure');
        figure.dataset.index = index;
        figure.innerHTML = '<img width="56" height="56"><figcaption><span class="truth"></span><span class="said"><span class="sign" aria-hidden="true"></span> <span class="label"></span></span><span class="sure"><span class="fill"></span></span><span class="percent"></span></figcaption>';
        const p = shown[index];
        const source = value.pictures[`${p[4]}:${p[0]}`];
        if (source) figure.querySelector('img').src = source;
        figure.querySelector('.truth').textContent = fill(T.truth, { truth: value.classes[p[1]] });
        row.append(figure);
      }
      section.append(title, row);
      grid.append(section);
    });
    if (!shown.length) grid.textContent = word('waiting');
  }
  for (const figure of grid.querySelectorAll('figure')) {
    const p = shown[figure.dataset.index];
    const right = p[1] === p[2];
    const percent = Math.round(100 * p[3]);
    const now = `${p[2]}/${percent}`;
    if (figure.dataset.now === now) continue;
    const changed = figure.dataset.label !== undefined && figure.dataset.label !== String(p[2]);
    figure.dataset.now = now;
    figure.dataset.label = p[2];
    figure.classList.toggle('right', right);
    figure.classList.toggle('wrong', !right);
    figure.querySelector('.sign').textContent = right ? '✓' : '✗';
    figure.querySelector('.label').textContent = value.classes[p[2]];
    figure.querySelector('.percent').textContent = percent + ' %';
    figure.querySelector('.fill').style.width = percent + '%';
    figure.querySelector('img').alt = fill(T.alt, {
      source: T.sources[p[4]], row: p[0], truth: value.classes[p[1]], said: value.classes[p[2]], percent,
      verdict: right ? T.right : T.wrong,
    });
    if (changed) {
      figure.classList.add('changed');
      setTimeout(() => figure.classList.remove('changed'), 900);
    }
  }
}

function drawEvidence(value, view) {
  const sheet = $('sheet');
  const drawn = value.generates && Boolean(view.sheet);
  // A run draws its first samples after a while: their place stays as large as what stood there, so that nothing below moves.
  if (!value.generates) $('pictures').style.minHeight = '';
  else if (!drawn && sheet.offsetHeight) $('pictures').style.minHeight = sheet.offsetHeight + 'px';
  sheet.style.minHeight = drawn && !sheet.children.length ? $('pictures').style.minHeight : '';
  sheet.hidden = !drawn;
  $('pictures').hidden = drawn;
  if (value.generates) drawSheet(sheet, view.sheet);
  // Pictures without a share: this model has no judge, and a chart of what nobody counted would stay empty.
  $('accuracy').parentElement.hidden = Boolean(value.generates && view.sheet && !view.accuracy.i.length);
  if ($('pictures').hidden) return;
  drawPictures(value, view.pictures);
}

// ---- curves -----------------------------------------------------------------------------------------------------
function library() {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  if (!window.playgroundPlotly) {
    window.playgroundPlotly = new Promise((resolve, reject) => {
      const script = document.createElement('script');
      script.src = props.plotly;
      script.onload = () => resolve(window.Plotly);
      script.onerror = reject;
      document.head.append(script);
    });
  }
  return window.playgroundPlotly;
}
function style(name, otherwise) {
  return getComputedStyle(element).getPropertyValue(name).trim() || otherwise;
}
function namesOf(which) {
  return which === 'loss' ? { forget: word('forgetLoss'), remain: word('remainLoss') } : { forget: word('forget'), remain: word('remain') };
}
function figure(which, series, n) {
  const colours = COLOURS[document.body.classList.contains('dark') ? 'dark' : 'light'];
  const text = style('--body-text-color', '#222');
  const line = style('--border-color-primary', '#ddd');
  const names = namesOf(which);
  const title = which === 'loss' ? word('lossTitle') : n[0] ? fill(word('accuracyTitleN'), { forget: n[0], remain: n[1] }) : word('accuracyTitle');
  const trace = (part, dash, symbol) => ({
    x: series.i, y: series[part], name: names[part], mode: series.i.length > FEW ? 'lines' : 'lines+markers', type: 'scatter',
    line: { color: colours[part], width: 2, dash }, marker: { symbol, size: 6 }, connectgaps: true, cliponaxis: false,
    hovertemplate: `${T.step} %{x}: %{y}<extra>${names[part]}</extra>`,
  });
  const axis = { gridcolor: line, linecolor: line, zeroline: false, tickfont: { size: 11 }, ticklabeloverflow: 'allow' };
  const layout = {
    uirevision: state.key, height: 230, margin: { l: 46, r: 18, t: 52, b: 36 }, paper_bgcolor: 'rgba(0,0,0,0)',
    plot_bgcolor: 'rgba(0,0,0,0)', font: { color: text, family: style('--font', 'sans-serif'), size: 12 },
    title: { text: title, x: 0, xanchor: 'left', xref: 'paper', y: 0.98, yanchor: 'top', font: { size: 13 } },
    xaxis: { ...axis, title: { text: T.step, font: { size: 11 }, standoff: 4 }, rangemode: 'tozero' },
    yaxis: which === 'accuracy' ? { ...axis, range: [-3, 103] } : { ...axis, rangemode: 'tozero' },
    legend: { orientation: 'h', x: 0, xanchor: 'left', y: 1.0, yanchor: 'bottom', font: { size: 11 }, bgcolor: 'rgba(0,0,0,0)' },
    showlegend: true, hovermode: 'x unified',
  };
  return [[trace('forget', 'solid', 'circle'), trace('remain', 'dash', 'square')], layout];
}
function plotSign(which, view) {
  const series = view[which];
  const dark = document.body.classList.contains('dark');
  return JSON.stringify([state.key, dark, view.n, series.i.length, series.i[series.i.length - 1]]);
}
function drawPlots(view, all) {
  // One curve at a look, the one that waits longest; all of them where nothing more will come.
  state.drawn = view;
  library().then((Plotly) => {
    if (state.drawn !== view) return;
    const now = performance.now();
    const stale = PLOTS.map($).filter((plot) => plot.drawnSign !== plotSign(plot.dataset.part, view));
    stale.sort((a, b) => (a.drawnAt || 0) - (b.drawnAt || 0));
    for (const plot of all ? stale : stale.slice(0, 1)) {
      // Redrawing under a hand that zooms would take the plot out of it.
      const every = state.seen.get(plot) ? PLOT_EVERY : 4 * PLOT_EVERY; // off the screen: at the latest when it is scrolled to
      if (plot._dragging || (!all && now - (plot.drawnAt || -every) < every - 50)) continue;
      const which = plot.dataset.part;
      drawTable(which, view[which]);
      plot.drawnSign = plotSign(which, view);
      plot.drawnAt = now;
      const [traces, layout] = figure(which, view[which], view.n);
      Plotly.react(plot, traces, layout, {
        responsive: false, displayModeBar: false, // it would lie over title and legend; Compare has the figures with theirs
      });
    }
  }).catch(() => { for (const which of PLOTS) $(which).textContent = T.noPlot; });
}
function drawTable(which, series) {
  const details = $('numbers-' + which);
  if (!details.open) return;
  const n = series.i.length;
  const stride = Math.max(1, Math.ceil(n / ROWS));
  const kept = new Set();
  for (let at = n - 1; at >= 0; at -= stride) kept.add(at);
  // A loss of every thirtieth step would fall through: of a series with few values all are shown.
  for (const values of [series.forget, series.remain]) {
    const some = [...values.keys()].filter((at) => values[at] !== null && values[at] !== undefined);
    if (some.length <= ROWS) some.forEach((at) => kept.add(at));
  }
  const rows = [...kept].sort((a, b) => a - b);
  const cell = (v) => (v === null || v === undefined ? T.leftNone : String(v));
  const body = details.querySelector('tbody');
  body.replaceChildren(...rows.map((at) => {
    const row = document.createElement('tr');
    for (const v of [series.i[at], cell(series.forget[at]), cell(series.remain[at])]) {
      const td = document.createElement('td');
      td.textContent = v;
      row.append(td);
    }
    return row;
  }));
  details.querySelector('.thinned').textContent = n ? fill(T.thinned, { shown: rows.length, all: n }) : T.noNumbers;
}

// ---- one moment -------------------------------------------------------------------------------------------------
function cutAt(series, step) {
  let end = series.i.length;
  while (end > 0 && series.i[end - 1] > step) end -= 1;
  return { i: series.i.slice(0, end), forget: series.forget.slice(0, end), remain: series.remain.slice(0, end) };
}
function draw(value, view, all) {
  drawPhases(view.phases);
  put('line', value.line);
  put('stepline', view.steps ? fill(T.stepOf, { step: view.step, steps: view.steps }) : T.leftNone);
  put('elapsed', clock(value.elapsed));
  put('left', view.left === null ? T.leftNone : fill(T.about, { time: clock(view.left) }));
  put('speed', view.speed === null ? T.leftNone : fill(T.speedUnit, { n: view.speed }));
  put('machine', value.machine || T.leftNone);
  put('mask', view.density === null ? '' : fill(T.mask, { percent: (100 * view.density).toFixed(1) }));
  drawEvidence(value, view);
  drawPlots(view, all);
}
function moment(value, at) {
  // Recorded: pictures stay until the next preview, curves are cut at the step.
  const looks = value.frames.map((frame, k) => (frame.pictures ? k : -1)).filter((k) => k >= 0);
  const seen = looks.filter((k) => k <= at);
  // Before the first look the network is untouched as it is then: its pictures stand there from the start, and nothing below moves.
  const { pictures = [], sheet = null } = value.frames[seen.length ? seen[seen.length - 1] : looks[0]] || {};
  const frame = value.frames[at];
  const shownStep = seen.length ? frame.step : -1; // the first look belongs to step 0 as preparing does
  return {
    ...frame, pictures, sheet, loss: cutAt(value.view.loss, shownStep), accuracy: cutAt(value.view.accuracy, shownStep), n: value.view.n,
    line: frame.line,
  };
}

// ---- playing a recorded run -------------------------------------------------------------------------------------
function show(at) {
  state.frame = at;
  const view = moment(state.value, at);
  const last = at >= state.value.frames.length - 1;
  draw({ ...state.value, line: state.value.frames[at].line, elapsed: state.value.frames[at].elapsed }, view, last || !state.playing);
  if (last) state.playing = false;
  put('play', state.playing ? T.pause : last ? T.again : T.play);
}
function tick() {
  clearTimeout(state.timer);
  if (!state.playing || !element.isConnected) return;
  if (state.frame < state.value.frames.length - 1) show(state.frame + 1);
  if (state.playing) state.timer = setTimeout(tick, state.value.pace);
}
function play(from) {
  state.playing = true;
  show(from);
  clearTimeout(state.timer);
  state.timer = setTimeout(tick, state.value.pace);
}

// ---- following a live run ----------------------------------------------------------------------------------------
function extend(series, more) {
  if (!more.from) return { i: more.i, forget: more.forget, remain: more.remain };
  const join = (key) => series[key].slice(0, more.from).concat(more[key]);
  return more.i.length ? { i: join('i'), forget: join('forget'), remain: join('remain') } : series;
}
function later(wait) {
  clearTimeout(state.timer);
  state.timer = setTimeout(look, wait);
}
async function look() {
  const follow = state.follow;
  clearTimeout(state.timer);
  if (!follow || !element.isConnected) return;
  const have = (series) => (series.i.length ? [series.i.length, series.i[series.i.length - 1]] : null);
  const answer = await server.look({
    follow, loss: have(state.view.loss), accuracy: have(state.view.accuracy),
    picturesAt: state.view.pictures.length || state.view.sheet ? state.view.picturesAt : null,
    images: Object.keys(state.value.pictures).length > 0,
  });
  if (state.follow !== follow) return; // the page shows another run by now
  if (!answer) { put('note', T.lost); later(3000); return; }
  if (!ACTIVE.includes(answer.state)) {
    // The end, or a server that no longer knows this page: the whole value comes, with the buttons and Compare.
    state.follow = '';
    trigger('select');
    return;
  }
  const began = performance.now();
  const { loss, accuracy, ...rest } = answer.view;
  state.view = { ...state.view, ...rest, loss: extend(state.view.loss, loss), accuracy: extend(state.view.accuracy, accuracy) };
  state.value = { ...state.value, ...answer, view: state.view, pictures: answer.images || state.value.pictures };
  head(state.value);
  if (!document.hidden) draw(state.value, state.view);
  await new Promise((resolve) => setTimeout(resolve)); // the curves are drawn by then
  const spent = performance.now() - began;
  later(Math.max(LOOK, Math.min(2 * LOOK, SHARE * spent)));
}

function rename() {
  // The words that stand still while a run is shown: a generator's curves are of its samples.
  $('accuracy').setAttribute('aria-label', word('plotAltAccuracy'));
  $('numbers-accuracy').querySelector('summary').textContent = word('numbersAccuracy');
  for (const which of PLOTS) {
    const heads = $('numbers-' + which).querySelectorAll('th');
    const names = namesOf(which);
    heads[1].textContent = names.forget;
    heads[2].textContent = names.remain;
  }
}

// ---- a new value ------------------------------------------------------------------------------------------------
function head(value) {
  put('note', value.note || '');
  put('title', value.title);
  const root = $('root');
  if (root.dataset.state !== value.state) root.dataset.state = value.state || '';
  const busy = String(ACTIVE.includes(value.state));
  if (root.getAttribute('aria-busy') !== busy) root.setAttribute('aria-busy', busy);
}
function veil(blurred) {
  // Before anything is drawn.
  $('root').classList.toggle('veiled', blurred);
  $('veil').hidden = !blurred;
}
function update() {
  if (!props.value || !props.value.mode) return;
  const value = JSON.parse(JSON.stringify(props.value)); // Gradio hands out a proxy, which is slow to read
  const recorded = value.mode === 'recorded';
  if (value.yields && state.value?.mode === 'live' && state.key !== 'none') return; // a run that was started meanwhile
  const fresh = value.key !== state.key;
  veil(Boolean(value.blurred));
  state.value = value;
  state.view = value.view;
  state.follow = value.follow || '';
  if (fresh) {
    state.key = value.key;
    clearTimeout(state.timer);
    state.playing = false;
    put('badge', recorded ? T.recorded : T.live);
    $('root').dataset.mode = value.mode;
    $('run').hidden = $('play').hidden = !recorded;
    rename();
  }
  head(value);
  if (!recorded) {
    draw(value, value.view, true);
    if (state.follow) later(LOOK);
    return;
  }
  if (!fresh) return;
  const still = window.matchMedia('(prefers-reduced-motion: reduce)').matches;
  if (still) show(value.frames.length - 1); else play(0);
}

wireVeil($('veil'));
$('run').textContent = T.runIt;
function runIt() {
  if (state.value.mode !== 'recorded') return; // a run of the visitor's own was brought back meanwhile
  // Until the visitor has a token, which Unlearn waits for too, a run would be nobody's: the click is kept until then.
  const loading = document.querySelector('#unlearn')?.disabled;
  $('run').disabled = Boolean(loading);
  if (loading) setTimeout(runIt, LOOK / 5); else trigger('submit');
}
$('run').addEventListener('click', runIt);
$('play').addEventListener('click', () => {
  if (state.playing) { state.playing = false; clearTimeout(state.timer); show(state.frame); }
  else play(state.frame >= state.value.frames.length - 1 ? 0 : state.frame);
});
for (const which of PLOTS) {
  $('numbers-' + which).addEventListener('toggle', () => state.drawn && drawTable(which, state.drawn[which]));
}
new ResizeObserver(() => {
  for (const which of PLOTS) {
    const plot = $(which);
    if (plot && window.Plotly && plot.data && plot.offsetWidth) window.Plotly.Plots.resize(plot);
  }
}).observe(element);
const eye = new IntersectionObserver((entries) => {
  for (const entry of entries) state.seen.set(entry.target, entry.isIntersecting);
  if (state.drawn && entries.some((entry) => entry.isIntersecting)) drawPlots(state.drawn, true);
}, { rootMargin: '50px' });
for (const which of PLOTS) eye.observe($(which));
new MutationObserver(() => state.drawn && drawPlots({ ...state.drawn }, true)).observe(document.body, { attributes: true, attributeFilter: ['class'] });
document.addEventListener('visibilitychange', () => { if (!document.hidden && state.follow) look(); });
watch('value', update);
update();
