// A classifier's answers on its fixed pictures: what each is, what the network says, and how sure it is.
import { fill, make, put } from './lib.js';

/** Draws `shown` ([row, label, predicted, confidence, source, wrong before too] each) into `grid`; `run` names the run that they are of. */
export function drawPredictions(grid, { run, value, shown, T, waiting }) {
  const shape = JSON.stringify([run, shown.map((p) => [p[0], p[1], p[4]])]);
  if (shape !== grid.drawnShape) {
    grid.drawnShape = shape;
    grid.replaceChildren(...sections(value, shown, T));
    if (!shown.length) grid.textContent = waiting;
  }
  for (const figure of grid.querySelectorAll('figure')) mark(figure, shown[figure.dataset.index], value.classes, T);
}

function sections(value, shown, T) {
  const groups = [[], []];
  const everywhere = value.forgotten === null;
  for (const [at, p] of shown.entries()) groups[everywhere || value.forgotten.includes(p[1]) ? 0 : 1].push(at);
  const titles = [everywhere ? T.toForgetSamples : T.toForget, T.toKeep];
  const section = (members, at) => make('section', { class: at ? 'keep' : 'forget' },
    make('h4', {}, titles[at]),
    make('div', { class: 'row' }, ...members.map((index) => empty(index, shown[index], value, T))));
  return groups.map((members, at) => members.length && section(members, at)).filter(Boolean);
}

function empty(index, [row, label, , , source], value, T) {
  const span = (name, ...children) => make('span', { class: name }, ...children);
  const sign = make('span', { class: 'sign', 'aria-hidden': 'true' });
  return make('figure', { 'data-index': index },
    make('img', { width: 56, height: 56, src: value.pictures[`${source}:${row}`] }),
    make('figcaption', {},
      span('truth', fill(T.truth, { truth: value.classes[label] })),
      span('said', sign, ' ', span('label')),
      span('sure', span('fill')),
      span('percent')));
}

function mark(figure, [row, label, predicted, confidence, source, too], classes, T) {
  const right = label === predicted;
  const percent = Math.round(100 * confidence);
  const now = `${predicted}/${percent}/${too}`;
  if (figure.dataset.now === now) return;
  const changed = figure.dataset.label !== undefined && figure.dataset.label !== String(predicted);
  figure.dataset.now = now;
  figure.dataset.label = predicted;
  figure.classList.toggle('right', right);
  figure.classList.toggle('wrong', !right);
  figure.classList.toggle('too', Boolean(too));
  const $ = (name) => figure.querySelector(name);
  put($('.sign'), right ? '✓' : '✗');
  put($('.label'), classes[predicted]);
  put($('.percent'), `${percent} %`);
  $('.fill').style.width = `${percent}%`;
  $('img').alt = fill(T.alt, {
    source: T.sources[source], row, truth: classes[label], said: classes[predicted], percent, verdict: right ? T.right : too ? T.wrongToo : T.wrong,
  });
  if (changed) {
    figure.classList.add('changed');
    setTimeout(() => figure.classList.remove('changed'), 900);
  }
}
