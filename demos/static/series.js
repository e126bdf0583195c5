// A curve is {i, forget, remain}: step numbers and two series, with null where a step has no such part.
import { missing } from './lib.js';


/** The part of a curve up to a step. */
export function cutAt(series, step) {
  let end = series.i.length;
  while (end > 0 && series.i[end - 1] > step) end -= 1;
  return { i: series.i.slice(0, end), forget: series.forget.slice(0, end), remain: series.remain.slice(0, end) };
}

/** A curve with its news (see demos/bridge.py news): `from` is the index of their first point, 0 replaces the curve. */
export function extend(series, { from, i, forget, remain }) {
  if (!from) return { i, forget, remain };
  const join = (key, more) => series[key].slice(0, from).concat(more);
  return i.length ? { i: join('i', i), forget: join('forget', forget), remain: join('remain', remain) } : series;
}

/** How much of a curve a page has, for the server: points, and the step of the last one; null before the first. */
export const extent = (series) => (series.i.length ? [series.i.length, series.i[series.i.length - 1]] : null);

/** The points that a table of about `rows` rows shows: evenly thinned, the last among them. */
export function tablePoints(series, rows) {
  const n = series.i.length;
  const stride = Math.max(1, Math.ceil(n / rows));
  const kept = new Set();
  for (let at = n - 1; at >= 0; at -= stride) kept.add(at);
  // A loss of every thirtieth step would fall through: of a series with few values all are shown.
  for (const values of [series.forget, series.remain]) {
    const some = [...values.keys()].filter((at) => !missing(values[at]));
    if (some.length <= rows) for (const at of some) kept.add(at);
  }
  return [...kept].sort((a, b) => a - b);
}

/** What a recorded run shows at frame `at`: pictures stay until the next preview, curves are cut at the step. */
export function moment(value, at) {
  const previews = value.frames.map((frame, k) => (frame.pictures ? k : -1)).filter((k) => k >= 0);
  const seen = previews.filter((k) => k <= at);
  // Before the first preview the network is untouched as it is then: its pictures stand there from the start, and nothing below moves.
  const { pictures = [], sheet = null } = value.frames[seen.length ? seen[seen.length - 1] : previews[0]] || {};
  const frame = value.frames[at];
  const step = seen.length ? frame.step : -1; // the first preview belongs to step 0 as preparing does
  const { loss, accuracy, n } = value.view;
  return { ...frame, pictures, sheet, loss: cutAt(loss, step), accuracy: cutAt(accuracy, step), n };
}
