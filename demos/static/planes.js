// The two pictures of the tab Learn: the points with the line that the model draws, and the plane of its weights.
import { contour, heights, lines } from './contours.js';
import { ellipse } from './lesson.js';
import { loss } from './toy.js';

const SPACE = 'http://www.w3.org/2000/svg';
const GRID = 32; // squares a side on which contours are found
const ABOVE = [0.004, 0.015, 0.04, 0.09, 0.18, 0.35]; // remain loss above the least one: the contours

/** An SVG element; as `make` of lib.js. */
export function draw(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SPACE, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** From numbers to a picture of `width` by `height`; both axes have one scale. */
function scale(box, width, height) {
  const x = (value) => ((value - box.x[0]) / (box.x[1] - box.x[0])) * width;
  const y = (value) => height - ((value - box.y[0]) / (box.y[1] - box.y[0])) * height;
  return { x, y, at: ([a, b]) => [x(a), y(b)] };
}
const joined = (points) => points.map((point) => point.map((value) => value.toFixed(1)).join(',')).join(' ');

/** A sign for a point: label 1 is full, 0 is hollow; the forget set are diamonds. */
function sign(set, label, [x, y], r) {
  const attributes = { class: `${set} ${label ? 'full' : 'hollow'}` };
  if (set === 'remain') return draw('circle', { ...attributes, cx: x, cy: y, r });
  return draw('polygon', { ...attributes, points: joined([[x, y - r], [x + r, y], [x, y + r], [x - r, y]]) });
}

export class DataPlane {
  constructor(svg, toy) {
    this.toy = toy;
    this.size = [340, 240];
    this.scale = scale({ x: [-3.4, 3.4], y: [-1.9, 2.9] }, ...this.size);
    this.side = draw('polygon', { class: 'side' });
    this.lines = draw('g');
    this.forget = draw('g');
    const remain = draw('g', {}, ...toy.remain.x.map((row, i) => sign('remain', toy.remain.y[i], this.scale.at(row), 3.6)));
    svg.replaceChildren(this.side, remain, this.forget, this.lines);
  }

  /** The line that `w` draws through the picture: where w1 x1 + w2 x2 = 0. */
  line(w) {
    const far = 9 / (Math.hypot(...w) || 1);
    return [[-w[1] * far, w[0] * far], [w[1] * far, -w[0] * far]];
  }

  show(w, shares) {
    const [from, to] = this.line(w);
    const far = 9 / (Math.hypot(...w) || 1);
    const beyond = ([a, b]) => [a + w[0] * far, b + w[1] * far];
    this.side.setAttribute('points', joined([from, to, beyond(to), beyond(from)].map(this.scale.at)));
    const lines = [['original', this.toy.original], ['retrained', this.toy.retrained], ['now', w]].map(([name, weights]) => {
      const [[x1, y1], [x2, y2]] = this.line(weights).map(this.scale.at);
      return draw('line', { class: `line ${name}`, x1, y1, x2, y2 });
    });
    this.lines.replaceChildren(...lines);
    const { x, y } = this.toy.forget;
    // The area of a sign is its share of the push.
    const r = (i) => (shares ? Math.max(1, 7 * Math.sqrt(shares[i] * x.length)) : 5);
    this.forget.replaceChildren(...x.map((row, i) => sign('forget', y[i], this.scale.at(row), r(i))));
  }
}

export class WeightPlane {
  /** `moved(w)` hears where the handle is dragged or pushed by arrow keys. */
  constructor(svg, toy, T, moved) {
    Object.assign(this, { svg, toy, T, moved, ground: new Map(), box: null });
    this.size = 340;
    this.layers = draw('g');
    this.above = draw('g');
    this.handle = draw('g', { class: 'handle' }, draw('circle', { class: 'reach', r: 20 }), draw('circle', { class: 'now', r: 7 }));
    svg.replaceChildren(this.layers, this.above, this.handle);
    this.wire();
  }

  wire() {
    const { handle } = this;
    handle.addEventListener('pointerdown', (event) => {
      if (!this.free) return;
      handle.setPointerCapture(event.pointerId);
      this.held = true;
      handle.focus();
      event.preventDefault();
    });
    handle.addEventListener('pointermove', (event) => { if (this.held) this.moved(this.place(event)); });
    for (const name of ['pointerup', 'pointercancel']) handle.addEventListener(name, () => { this.held = false; });
    handle.addEventListener('keydown', (event) => {
      const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowDown: [0, -1], ArrowUp: [0, 1] }[event.key];
      if (!way || !this.free) return;
      event.preventDefault();
      const by = event.shiftKey ? 0.25 : 0.05;
      this.moved(this.inside([this.w[0] + by * way[0], this.w[1] + by * way[1]]));
    });
  }

  inside(w) {
    const within = (value, [low, high]) => Math.min(high, Math.max(low, value));
    return [within(w[0], this.box.x), within(w[1], this.box.y)];
  }

  /** The weights under the pointer. */
  place({ clientX, clientY }) {
    const { left, top, width, height } = this.svg.getBoundingClientRect();
    const between = ([low, high], share) => low + (high - low) * share;
    return this.inside([between(this.box.x, (clientX - left) / width), between(this.box.y, 1 - (clientY - top) / height)]);
  }

  /** Contours of the remain loss, the line where forgetting stops, and both models; drawn once a box. */
  groundOf(box) {
    const { toy, T } = this;
    const { at } = scale(box, this.size, this.size);
    const drawn = (pieces) => lines(pieces).map((line) => `M${joined(line.map(at))}`).join('');
    const remain = heights((w) => loss(toy.remain, w, toy.lam), box, GRID);
    const least = loss(toy.remain, toy.retrained, toy.lam);
    const forget = heights((w) => loss(toy.forget, w), box, GRID);
    const mark = (name, w, shape, label) => {
      const [x, y] = at(w);
      return draw('g', { class: `model ${name}` }, shape([x, y]), draw('text', { x: x + label.x, y: y + label.y, 'text-anchor': label.anchor }, T[name]));
    };
    return draw('g', {},
      ...ABOVE.map((above) => draw('path', { class: 'contour', d: drawn(contour(remain, least + above)) })),
      draw('path', { class: 'goal', d: drawn(contour(forget, toy.target)) }),
      ...axes(box, this.size),
      mark('original', toy.original, ([x, y]) => draw('rect', { x: x - 5, y: y - 5, width: 10, height: 10 }), { x: 12, y: -8, anchor: 'start' }),
      mark('retrained', toy.retrained, ([x, y]) => draw('polygon', { points: joined([[x, y - 8], [x + 7, y + 5], [x - 7, y + 5]]) }), { x: 8, y: 20, anchor: 'start' }));
  }

  /** What is to be seen: {box, w, free, points, upTo, ghost, steepest, way}; `free` weights can be dragged. */
  show(seen) {
    const { box, w, free } = seen;
    if (box !== this.box) {
      this.box = box;
      if (!this.ground.has(box)) this.ground.set(box, this.groundOf(box));
      this.layers.replaceChildren(this.ground.get(box));
    }
    this.w = w;
    this.free = free;
    const { at } = scale(box, this.size, this.size);
    this.above.replaceChildren(...this.paths(seen, at), ...(seen.steepest ? this.arrows(seen.steepest, w, at) : []));
    const [x, y] = at(w);
    const { handle } = this;
    handle.setAttribute('transform', `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    handle.classList.toggle('free', free);
    for (const [name, value] of Object.entries(this.spoken(w))) {
      if (free) handle.setAttribute(name, value); else handle.removeAttribute(name);
    }
  }

  spoken(w) {
    const told = `w1 ${w[0].toFixed(2)}, w2 ${w[1].toFixed(2)}`;
    return {
      tabindex: 0, role: 'slider', 'aria-label': this.T.handle, 'aria-valuetext': told, 'aria-valuenow': w[0].toFixed(2),
      'aria-valuemin': this.box.x[0], 'aria-valuemax': this.box.x[1],
    };
  }

  paths({ points, upTo, ghost, way }, at) {
    const line = (name, list) => draw('polyline', { class: name, points: joined(list.map(at)) });
    const found = [];
    if (way) found.push(arrow('way', at(this.toy.original), at(this.toy.retrained)));
    if (ghost) found.push(line('path ghost', ghost.map(({ w }) => w)));
    if (!points) return found;
    const shown = points.slice(0, upTo + 1);
    const zigzag = shown.flatMap(({ w, inner }) => [...inner, w]);
    if (zigzag.length > shown.length) found.push(line('zigzag', zigzag));
    found.push(line('path ahead', points.map(({ w }) => w)), line('path', shown.map(({ w }) => w)));
    found.push(...shown.map(({ w }) => draw('circle', { class: 'step', cx: at(w)[0].toFixed(1), cy: at(w)[1].toFixed(1), r: 2 })));
    return found;
  }

  arrows({ circle, ellipse: along, size, matrix }, w, at) {
    const around = ellipse(matrix, size).map(([a, b]) => at([w[0] + a, w[1] + b]));
    const [x, y] = at(w);
    const r = at([w[0] + size, w[1]])[0] - x;
    return [
      draw('circle', { class: 'circle', cx: x, cy: y, r }), draw('polygon', { class: 'ellipse', points: joined(around) }),
      arrow('circle', [x, y], at(circle.to)), arrow('ellipse', [x, y], at(along.to)),
    ];
  }
}

/** A line with a head. */
function arrow(name, [x1, y1], [x2, y2]) {
  const length = Math.hypot(x2 - x1, y2 - y1) || 1;
  const [a, b] = [(x2 - x1) / length, (y2 - y1) / length];
  const head = [[x2, y2], [x2 - 10 * a + 5 * b, y2 - 10 * b - 5 * a], [x2 - 10 * a - 5 * b, y2 - 10 * b + 5 * a]];
  return draw('g', { class: `arrow ${name}` }, draw('line', { x1, y1, x2: x2 - 8 * a, y2: y2 - 8 * b }), draw('polygon', { points: joined(head) }));
}

/** Whole numbers along both sides. */
function axes(box, size) {
  const { x, y } = scale(box, size, size);
  const whole = ([low, high]) => Array.from({ length: Math.floor(high) - Math.ceil(low) + 1 }, (_, k) => Math.ceil(low) + k).slice(1, -1);
  const word = (value) => String(value).replace('-', '\u2212');
  return [
    ...whole(box.x).map((value) => draw('text', { class: 'tick', x: x(value), y: size - 4, 'text-anchor': 'middle' }, word(value))),
    ...whole(box.y).map((value) => draw('text', { class: 'tick', x: 4, y: y(value) + 4 }, word(value))),
    draw('text', { class: 'tick', x: size - 6, y: size - 4, 'text-anchor': 'end' }, 'w1'),
    draw('text', { class: 'tick', x: 4, y: 13 }, 'w2'),
  ];
}
