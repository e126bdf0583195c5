// Small pictures beside the planes: losses along a path, the Fisher bars, and the recorded run of the real network.
import { fill, make } from './lib.js';
import { draw } from './planes.js';

const WIDTH = 300;

/** One curve with a marker: {name, values, low, high, at, target}; `at` is an index. Returns a group of `height`. */
function strip({ name, title, values, low, high, at, target }, top, height) {
  const x = (i) => 4 + (i / Math.max(1, values.length - 1)) * (WIDTH - 60);
  const y = (value) => top + height - 4 - ((value - low) / (high - low || 1)) * (height - 22);
  const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(' ');
  const parts = [draw('text', { class: `name ${name}`, x: 4, y: top + 11 }, title)];
  if (target !== null) parts.push(draw('line', { class: 'target', x1: 4, x2: WIDTH - 56, y1: y(target), y2: y(target) }));
  parts.push(draw('polyline', { class: `curve ${name}`, points }));
  parts.push(draw('circle', { class: `mark ${name}`, cx: x(at).toFixed(1), cy: y(values[at]).toFixed(1), r: 4 }));
  parts.push(draw('text', { class: 'value', x: x(at) + 7, y: y(values[at]) + 4 }, values[at].toFixed(high > 3 ? 1 : 2)));
  return draw('g', {}, ...parts);
}

/** Forget and remain loss along a path, each on a scale of its own; dashed: the retrained model's. */
export function lossCurves(svg, T, { forget, remain, at, target, best }) {
  svg.setAttribute('viewBox', `0 0 ${WIDTH} 128`);
  svg.replaceChildren(
    strip({ name: 'forget', title: T.forgetLoss, values: forget, low: 0, high: Math.max(target, ...forget), at, target }, 0, 62),
    strip({ name: 'remain', title: T.remainLoss, values: remain, low: best - 0.005, high: Math.max(best + 0.04, ...remain), at, target: best }, 66, 62));
}

/** Two bars a weight: how much each set cares about it. */
export function fisherBars(svg, T, { fisher, free }) {
  const most = Math.max(...fisher.forget, ...fisher.remain);
  const long = (value) => Math.max(1, (value / most) * (WIDTH - 140));
  svg.setAttribute('viewBox', `0 0 ${WIDTH} 104`);
  svg.replaceChildren(...[0, 1].flatMap((j) => {
    const y = 4 + 52 * j;
    const bar = (set, row) => [
      draw('rect', { class: `bar ${set}`, x: 84, y: y + 20 * row, width: long(fisher[set][j]), height: 16 }),
      draw('text', { class: 'value', x: 90 + long(fisher[set][j]), y: y + 13 + 20 * row }, fisher[set][j].toFixed(3)),
    ];
    return [
      draw('text', { class: 'name', x: 4, y: y + 13 }, `w${j + 1}`),
      draw('text', { class: free[j] ? 'name now' : 'name', x: 4, y: y + 31 }, free[j] ? T.moves : T.held),
      ...bar('forget', 0), ...bar('remain', 1),
    ];
  }));
}

/** The recorded run's accuracies with a marker at the point of index `at`. */
export function recordedCurves(svg, { curve, at }) {
  const last = curve.i[curve.i.length - 1] || 1;
  const x = (i) => 4 + (i / last) * (WIDTH - 8);
  const y = (value) => 84 - (value / 100) * 78;
  svg.setAttribute('viewBox', `0 0 ${WIDTH} 90`);
  const line = (set) => draw('polyline', { class: `curve ${set}`, points: curve.i.map((i, k) => `${x(i).toFixed(1)},${y(curve[set][k]).toFixed(1)}`).join(' ') });
  const mark = (set) => draw('circle', { class: `mark ${set}`, cx: x(curve.i[at]), cy: y(curve[set][at]), r: 4 });
  svg.replaceChildren(
    draw('line', { class: 'now', x1: x(curve.i[at]), x2: x(curve.i[at]), y1: 4, y2: 86 }),
    line('forget'), line('remain'), mark('forget'), mark('remain'));
}

/** A few pictures, and what the recorded network said of them when it was last looked at up to step `i`. */
export function recordedPictures(box, T, { pictures, looks, i }) {
  const { said } = looks.filter((look) => look.i <= i).pop() ?? looks[0];
  box.replaceChildren(...pictures.map(({ src, truth, set }, k) => {
    const right = said[k] === truth;
    const alt = fill(T.pictureAlt, { truth, set: T.sets[set] });
    return make('figure', { class: set }, make('img', { src, alt, width: 44, height: 44 }), make('figcaption', { class: right ? 'right' : 'wrong' }, make('b', {}, right ? '✓' : '✗'), ` ${said[k]}`));
  }));
}
