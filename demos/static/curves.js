// The two curves of the live view, drawn by Plotly, each with a table of its numbers.
import { colour, fill, load, make, missing, partsOf, put } from './lib.js';
import { tablePoints } from './series.js';

const PLOTS = ['loss', 'accuracy'];
const ROWS = 60; // of a table beside a curve, about
const FEW = 12; // so many points get a sign each: with signs a curve takes twice as long to draw
const EVERY = 1000; // milliseconds between two drawings of a curve
const CLEAR = 'rgba(0,0,0,0)';

let loading = null;
const REST = 500; // milliseconds that a page which can be used has for its visitor before Plotly takes the processor

/** Plotly, a megabyte and a CPU second of script, fetched once: for the first curve, and after the page can be used. */
function library() {
  loading ??= new Promise(usable).then(() => load('plotly.min.js')).then(() => window.Plotly);
  return loading;
}
/** The page can be used when *Unlearn* can be pressed or, where it comes back to a run under way, *Stop*. */
function usable(then) {
  const buttons = ['#unlearn', '#stop'].map((id) => document.querySelector(id)).filter(Boolean);
  if (!buttons.length || buttons.some((button) => !button.disabled)) {
    setTimeout(() => (window.requestIdleCallback || setTimeout)(then), REST);
    return;
  }
  // Not by a timer: while the page is put together timers come late, and each would delay it.
  const seen = new MutationObserver(() => { seen.disconnect(); usable(then); });
  for (const button of buttons) seen.observe(button, { attributes: true, attributeFilter: ['disabled'] });
}
const themed = (name, otherwise) => getComputedStyle(document.body).getPropertyValue(name).trim() || otherwise;

export class Curves {
  /**
   * @param element the live view
   * @param T texts (demos/text/unlearn.py LIVE); word: name of a text -> the one for the present kind of run
   */
  constructor(element, T, word) {
    this.T = T;
    this.word = word;
    this.$ = partsOf(element);
    this.run = null;
    this.view = null; // what is drawn, or will be once Plotly is here
    this.onScreen = new Map();
    this.observe(element);
  }

  names(which) {
    const word = this.word;
    return which === 'loss' ? { forget: word('forgetLoss'), remain: word('remainLoss') } : { forget: word('forget'), remain: word('remain') };
  }

  /** The words that stand still while a run is shown: a generator's curves are of its samples. */
  start(run) {
    this.run = run;
    this.$('accuracy').setAttribute('aria-label', this.word('plotAltAccuracy'));
    this.$('numbers-accuracy').querySelector('summary').textContent = this.word('numbersAccuracy');
    for (const which of PLOTS) {
      const heads = this.$(`numbers-${which}`).querySelectorAll('th');
      const names = this.names(which);
      heads[1].textContent = names.forget;
      heads[2].textContent = names.remain;
    }
  }

  /** One curve at a time, the one that waits longest; `all` of them where nothing more will come. */
  draw(view, all) {
    this.view = view;
    if (document.documentElement.classList.contains('lesson')) return; // page.css hides them there
    library().then((Plotly) => {
      if (this.view !== view) return;
      const now = performance.now();
      const stale = PLOTS.map(this.$).filter((plot) => plot.drawnSign !== this.sign(plot.dataset.part));
      stale.sort((a, b) => (a.drawnAt || 0) - (b.drawnAt || 0));
      for (const plot of all ? stale : stale.slice(0, 1)) {
        const every = this.onScreen.get(plot) ? EVERY : 4 * EVERY; // off the screen: at the latest when it is scrolled to
        // Redrawing under a hand that zooms would take the plot out of it.
        if (plot._dragging || (!all && now - (plot.drawnAt || -every) < every - 50)) continue;
        const which = plot.dataset.part;
        this.table(which);
        plot.drawnSign = this.sign(which);
        plot.drawnAt = now;
        const options = { responsive: false, displayModeBar: false }; // a bar would lie over title and legend
        Plotly.react(plot, this.traces(which), this.layout(which), options);
      }
    }).catch(() => { for (const which of PLOTS) this.$(which).textContent = this.T.noPlot; });
  }

  sign(which) {
    const { [which]: series, n } = this.view;
    const dark = document.body.classList.contains('dark');
    return JSON.stringify([this.run, dark, n, series.i.length, series.i[series.i.length - 1]]);
  }

  traces(which) {
    const series = this.view[which];
    const names = this.names(which);
    const trace = (part, dash, symbol) => ({
      x: series.i, y: series[part], name: names[part], mode: series.i.length > FEW ? 'lines' : 'lines+markers', type: 'scatter',
      line: { color: colour(part), width: 2, dash }, marker: { symbol, size: 6 }, connectgaps: true, cliponaxis: false,
      hovertemplate: `${this.T.step} %{x}: %{y}<extra>${names[part]}</extra>`,
    });
    return [trace('forget', 'solid', 'circle'), trace('remain', 'dash', 'square')];
  }

  title(which) {
    const [forget, remain] = this.view.n;
    if (which === 'loss') return this.word('lossTitle');
    return forget ? fill(this.word('accuracyTitleN'), { forget, remain }) : this.word('accuracyTitle');
  }

  layout(which) {
    const line = themed('--border-color-primary', '#ddd');
    const axis = { gridcolor: line, linecolor: line, zeroline: false, tickfont: { size: 11 }, ticklabeloverflow: 'allow' };
    return {
      uirevision: this.run, height: 230, margin: { l: 46, r: 18, t: 52, b: 36 }, paper_bgcolor: CLEAR, plot_bgcolor: CLEAR,
      font: { color: themed('--body-text-color', '#222'), family: themed('--font', 'sans-serif'), size: 12 },
      title: { text: this.title(which), x: 0, xanchor: 'left', xref: 'paper', y: 0.98, yanchor: 'top', font: { size: 13 } },
      xaxis: { ...axis, title: { text: this.T.step, font: { size: 11 }, standoff: 4 }, rangemode: 'tozero' },
      yaxis: which === 'accuracy' ? { ...axis, range: [-3, 103] } : { ...axis, rangemode: 'tozero' },
      legend: { orientation: 'h', x: 0, xanchor: 'left', y: 1.0, yanchor: 'bottom', font: { size: 11 }, bgcolor: CLEAR },
      showlegend: true, hovermode: 'x unified',
    };
  }

  table(which) {
    const details = this.$(`numbers-${which}`);
    if (!details.open || !this.view) return;
    const series = this.view[which];
    const points = tablePoints(series, ROWS);
    const cell = (value) => make('td', {}, missing(value) ? this.T.leftNone : String(value));
    const rows = points.map((at) => make('tr', {}, ...['i', 'forget', 'remain'].map((key) => cell(series[key][at]))));
    details.querySelector('tbody').replaceChildren(...rows);
    const all = series.i.length;
    put(details.querySelector('.thinned'), all ? fill(this.T.thinned, { shown: rows.length, all }) : this.T.noNumbers);
  }

  observe(element) {
    const again = () => this.view && this.draw({ ...this.view }, true);
    const eye = new IntersectionObserver((entries) => {
      for (const entry of entries) this.onScreen.set(entry.target, entry.isIntersecting);
      if (this.view && entries.some((entry) => entry.isIntersecting)) this.draw(this.view, true);
    }, { rootMargin: '50px' });
    for (const which of PLOTS) {
      eye.observe(this.$(which));
      this.$(`numbers-${which}`).addEventListener('toggle', () => this.table(which));
    }
    new ResizeObserver(() => {
      for (const plot of PLOTS.map(this.$)) {
        if (plot && window.Plotly && plot.data && plot.offsetWidth) window.Plotly.Plots.resize(plot);
      }
    }).observe(element);
    new MutationObserver(again).observe(document.body, { attributes: true, attributeFilter: ['class'] });
  }
}
