// Plots of the tab Compare methods as SVG: lines over numbers, told apart by colour, dash and sign, each named where it ends.
import { make } from './lib.js';
import { draw } from './planes.js';

export const DASHES = ['', '7 4', '2 4', '8 3 2 3', '14 4', '14 4 2 4'];
const COLOURS = 6;
const [NARROW, WIDE] = [330, 520];
const LINE = 15; // height of a name
const LETTER = 6.6; // width of one of a name's
const SAMPLE = 42; // what stands before a name: the sample of its line
const LEFT = 44;
const TOP = 10;
const FOOT = 40;

/** Colour, dash and sign of the k-th line: no two of the first 36 have both colour and dash in common. */
export const looks = (k) => ({ colour: (k % COLOURS) + 1, dash: DASHES[(k + Math.floor(k / COLOURS)) % DASHES.length], sign: k % 3 });

/** About `count` round numbers from `low` to `high`. */
export function ticks(low, high, count = 5) {
  const rough = (high - low) / count || 1;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough);
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high + 1e-9 * step; at += 1) found.push(Number((at * step).toPrecision(12)));
  return found;
}

/** From the least to the greatest of some numbers, with a little room; `least` is the smallest range. */
export function range(values, least = 1) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const room = Math.max(0.06 * (high - low), (least - (high - low)) / 2, 1e-9);
  return [low - room, high + room];
}

/** Heights at which names stand next to where they belong, none over another, all between `top` and `bottom` where there is room. */
export function apart(wanted, top, bottom, gap = LINE) {
  const order = wanted.map((y, at) => ({ y, at })).sort((a, b) => a.y - b.y);
  let floor = top;
  for (const one of order) { one.y = Math.max(one.y, floor); floor = one.y + gap; }
  let ceiling = bottom;
  for (const one of [...order].reverse()) { one.y = Math.min(one.y, ceiling); ceiling = one.y - gap; }
  const lowest = Math.min(0, ...order.map(({ y }) => y - top)); // more names than fit go on below
  const out = [];
  for (const { y, at } of order) out[at] = y - lowest;
  return out;
}

const points = (places) => places.map((place) => place.map((value) => value.toFixed(1)).join(',')).join(' ');

/** A sign at a place: a circle, a square or a triangle. */
function mark([x, y], sign, kind, r = 4) {
  if (sign === 0) return draw('circle', { class: kind, cx: x.toFixed(1), cy: y.toFixed(1), r });
  const around = sign === 1 ? [[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]] : [[x, y - r - 1], [x + r + 1, y + r], [x - r - 1, y + r]];
  return draw('polygon', { class: kind, points: points(around) });
}

/**
 * Draws into `svg`: lines {name, points: [[x, y, spread?]], k (whose looks it has; else by its place), end or bare (a sign only where it ends)}, "" for a
 * line without a name; at most one of each of target {y, name}, a level that is
 * wanted, goal {at: [x, y], name} and start {at, name}, places of models. `x` and `y`: {title, values to be seen, least range, format}.
 */
export function plot(svg, { lines, x, y, target = null, goal = null, start = null, height = 230, names = true }) {
  const width = Math.max(NARROW, Math.min(WIDE, Math.round(svg.clientWidth || 460))); // letters keep their size on a phone
  const longest = Math.max(0, ...[...lines, target, goal, start].map((one) => one?.name?.length ?? 0));
  const labels = names ? Math.min(SAMPLE + longest * LETTER, Math.round(width * 0.47)) : 14;
  const tall = Math.max(height, TOP + FOOT + LINE * (lines.length + 1));
  const places = lines.flatMap((line) => line.points);
  const fixed = [goal, start].filter(Boolean).map(({ at }) => at);
  const [xs, ys] = [[x, 0], [y, 1]].map(([axis, k]) => axis.range ?? range([...places, ...fixed].map((place) => place[k]).concat(k && target ? [target.y] : [], k ? places.flatMap(([, v, s]) => (s ? [v - s, v + s] : [])) : []), axis.least));
  const at = ([a, b]) => [LEFT + ((a - xs[0]) / (xs[1] - xs[0])) * (width - LEFT - labels), TOP + ((ys[1] - b) / (ys[1] - ys[0])) * (tall - TOP - FOOT)];
  const right = width - labels;
  const parts = [];
  const text = (kind, words, attributes) => draw('text', { class: kind, ...attributes }, words);
  for (const value of ticks(...ys)) {
    const [, level] = at([xs[0], value]);
    parts.push(draw('line', { class: 'grid', x1: LEFT, x2: right, y1: level, y2: level }), text('tick', (y.format ?? String)(value), { x: LEFT - 6, y: level + 4, 'text-anchor': 'end' }));
  }
  for (const value of ticks(...xs, width < 400 ? 3 : 5)) {
    const [place] = at([value, ys[0]]);
    parts.push(draw('line', { class: 'grid', x1: place, x2: place, y1: TOP, y2: tall - FOOT }), text('tick', (x.format ?? String)(value), { x: place, y: tall - FOOT + 14, 'text-anchor': 'middle' }));
  }
  parts.push(text('tick', x.title, { x: (LEFT + right) / 2, y: tall - 8, 'text-anchor': 'middle' }));
  if (target) {
    const [, level] = at([xs[0], target.y]);
    parts.push(draw('line', { class: 'target', x1: LEFT, x2: right, y1: level, y2: level }));
  }
  for (const [order, { points: mine, end, bare, k = order }] of lines.entries()) {
    const { colour, dash, sign } = looks(k);
    const there = mine.map(at);
    parts.push(draw('polyline', { class: `path run-${colour}`, points: points(there), 'stroke-dasharray': dash || 'none' }));
    for (const [i, [a, b, spread]] of mine.entries()) {
      if (spread) {
        const [[px, low], [, high]] = [at([a, b - spread]), at([a, b + spread])];
        parts.push(draw('line', { class: `bar run-${colour}`, x1: px, x2: px, y1: low, y2: high }));
      }
      if (!(end || bare) || i === mine.length - 1) parts.push(mark(there[i], sign, `mark run-${colour}`));
    }
  }
  if (start) parts.push(mark(at(start.at), 1, 'model original', 5));
  if (goal) parts.push(mark(at(goal.at), 2, 'model retrained', 6));
  if (names) parts.push(...named(lines, [...(target ? [{ name: target.name, y: at([xs[0], target.y])[1], x: right, kind: 'retrained' }] : []), ...[[goal, 'retrained'], [start, 'original']].filter(([one]) => one).map(([one, kind]) => ({ name: one.name, y: at(one.at)[1], x: at(one.at)[0], kind }))], at, right, tall, Math.floor((labels - SAMPLE) / LETTER)));
  svg.setAttribute('viewBox', `0 0 ${width} ${tall}`);
  svg.replaceChildren(...parts);
}

/** The names at the right edge, of `most` letters, each with a sample of its line and a thin line to where it ends. */
function named(lines, others, at, right, tall, most) {
  const ends = lines.map((line, order) => ({ k: order, ...line })).filter(({ name, points: mine }) => name && mine.length).map(({ name, k, points: mine }) => ({ name, k, place: at(mine[mine.length - 1]) }));
  const all = [...ends.map((end) => ({ ...end, y: end.place[1], x: end.place[0] })), ...others];
  const levels = apart(all.map(({ y }) => y), TOP + 6, tall - FOOT);
  return all.flatMap(({ name, k, x, y, kind }, i) => {
    const level = levels[i];
    const sample = { x1: right + 16, x2: right + 34, y1: level, y2: level };
    const look = kind === undefined ? looks(k) : null;
    return [
      draw('line', { class: 'leader', x1: x + 6, x2: right + 13, y1: y, y2: level }),
      look ? draw('line', { class: `path run-${look.colour}`, 'stroke-dasharray': look.dash || 'none', ...sample }) : mark([right + 25, level], kind === 'retrained' ? 2 : 1, `model ${kind}`, 4),
      draw('text', { class: 'name', x: right + 38, y: level + 4 }, name.length > most ? `${name.slice(0, most - 1)}…` : name),
    ];
  });
}

const KEPT = ['fill', 'stroke', 'stroke-width', 'stroke-dasharray', 'opacity', 'font-size', 'font-weight', 'font-family', 'text-anchor'];

/** A drawing as it looks on a page in the light, as a file of its own: what the style sheet says stands in its elements. */
export function svgFile(svg) {
  const copy = svg.cloneNode(true);
  const dark = document.body.classList.contains('dark');
  document.body.classList.remove('dark'); // it is printed on white
  const styled = [svg, ...svg.querySelectorAll('*')];
  for (const [k, node] of [copy, ...copy.querySelectorAll('*')].entries()) {
    const style = getComputedStyle(styled[k]);
    for (const name of KEPT) node.setAttribute(name, style.getPropertyValue(name));
    node.removeAttribute('class');
  }
  document.body.classList.toggle('dark', dark);
  const [, , width, height] = svg.getAttribute('viewBox').split(' ');
  for (const [name, value] of Object.entries({ xmlns: 'http://www.w3.org/2000/svg', width, height, style: 'background:white' })) copy.setAttribute(name, value);
  return new XMLSerializer().serializeToString(copy);
}

/** The same as pixels, three for each unit of the drawing. */
export async function pngFile(svg) {
  const picture = new Image();
  picture.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svgFile(svg))}`;
  await picture.decode();
  const canvas = make('canvas', { width: 3 * picture.width, height: 3 * picture.height });
  const pen = canvas.getContext('2d');
  pen.fillStyle = 'white';
  pen.fillRect(0, 0, canvas.width, canvas.height);
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return new Promise((done) => { canvas.toBlob(done, 'image/png'); });
}
