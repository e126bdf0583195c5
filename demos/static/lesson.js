// The seven steps of the tab Learn as data: which way each draws, where it begins, and the numbers that its texts name. Words: demos/text/learn.py.
import { determinant, divergence, hessian, loss, measures, path, pushOf, rowShares, solve } from './toy.js';

// Parts of the weight plane, as wide as high, so that a circle is a circle.
const NEAR = { x: [0, 4.2], y: [-1.2, 3] };
const FAR = { x: [-0.8, 7.2], y: [-5, 3] };
export const MOST_K = 32;
const SIZE = 0.5; // radius of the circle of step 6

/**
 * A step: box of the weight plane; knob: what can be turned (weights, t, gamma, k); way: its path, given the state; ghost: another one to
 * compare with; from: the state that it opens with (t = null: the end); real: the steps of the recorded run between which its marker moves.
 */
export const LESSONS = [
  { box: NEAR, knob: 'weights', from: {}, real: [0, 0] },
  { box: NEAR, knob: 't', way: () => ({ method: 'ascent' }), from: {}, real: [0, 6] },
  { box: FAR, knob: 't', way: () => ({ method: 'ascent', stops: false }), from: {}, real: [0, 150] },
  {
    box: FAR, knob: 't', from: { t: 8 }, real: [0, 150], weighs: true,
    way: () => ({ method: 'fast', K: 4, adaptive: true, stops: false }), ghost: { method: 'fast', K: 4, stops: false },
  },
  { box: NEAR, knob: 'gamma', way: ({ gamma }) => ({ method: 'ascent', gamma }), ghost: { method: 'ascent' }, from: { gamma: 1 }, real: [0, 0] },
  { box: NEAR, knob: 'weights', from: { w: [1.5, 1.5] }, real: [6, 6], steepest: true },
  { box: NEAR, knob: 'k', way: ({ k }) => ({ method: 'fast', K: k }), ghost: { method: 'manifold' }, from: { k: 4 }, real: [6, 30] },
];

const WAYS = {
  ascent: { method: 'ascent' }, far: { method: 'ascent', stops: false }, masked: { method: 'ascent', gamma: 1 }, manifold: { method: 'manifold' },
  k4: { method: 'fast', K: 4 }, k16: { method: 'fast', K: 16 },
  plain: { method: 'fast', K: 4, stops: false }, adaptive: { method: 'fast', K: 4, stops: false, adaptive: true },
};

/** The numbers that texts name, each already as text; paths are computed when a text names them, so that the first step comes at once. */
export function facts(toy) {
  const known = new Map();
  const end = (name) => {
    if (!known.has(name)) {
      const points = path(toy, WAYS[name]);
      known.set(name, { steps: points.length - 1, ...measures(toy, points.at(-1).w) });
    }
    return known.get(name);
  };
  const [start, goal] = [toy.original, toy.retrained].map((w) => measures(toy, w));
  const all = toy.forget.x.length;
  const found = {
    lost: () => all - goal.known, all: () => all, best: () => digits(goal.remain), target: () => digits(toy.target, 2),
    begin: () => digits(start.remain), beginDistance: () => digits(start.distance, 2),
    ratio1: () => digits(toy.ratio[0], 2), ratio2: () => digits(toy.ratio[1], 2),
    steps: () => end('ascent').steps, remain: () => digits(end('ascent').remain), distance: () => digits(end('ascent').distance, 2),
    farSteps: () => end('far').steps, farRemain: () => digits(end('far').remain), farForget: () => digits(end('far').forget, 1),
    farDistance: () => digits(end('far').distance, 2),
  };
  for (const name of ['plain', 'adaptive', 'masked', 'k4', 'k16', 'manifold']) found[name] = () => digits(end(name).distance, 2);
  return Object.defineProperties({}, Object.fromEntries(Object.entries(found).map(([name, get]) => [name, { get, enumerable: true }])));
}

/** A number with a minus sign that is one. */
export const digits = (value, n = 3) => value.toFixed(n).replace(/^-(?=.*[1-9])/, '\u2212').replace(/^-/, '');

/** The steepest way to forget from `w` where a step is as long as the circle's radius, and where it changes the remain loss as the ellipse says. */
export function steepest(toy, w) {
  const uphill = pushOf(toy, w, rowShares(toy, w, 0, false)).map((part) => -part);
  const matrix = hessian(toy.remain, w, toy.lam);
  const along = solve(matrix, uphill);
  // Of the circle's area: d^T H d = size^2 sqrt(det H).
  const reach = SIZE * Math.sqrt(Math.sqrt(determinant(matrix)) / (uphill[0] * along[0] + uphill[1] * along[1]));
  const scaled = ([a, b], factor) => [a * factor, b * factor];
  const arrow = (d) => {
    const to = [w[0] + d[0], w[1] + d[1]];
    return { to, forget: loss(toy.forget, to) - loss(toy.forget, w), kl: divergence(toy.remain, w, to) };
  };
  return { circle: arrow(scaled(uphill, SIZE / Math.hypot(...uphill))), ellipse: arrow(scaled(along, reach)), size: SIZE, matrix };
}

/** Points of the ellipse d^T H d = size^2 sqrt(det H) around the origin. */
export function ellipse([[a, b], [, d]], size, n = 48) {
  const det = a * d - b * b;
  return Array.from({ length: n }, (_, k) => {
    const angle = (2 * Math.PI * k) / n;
    const [c, s] = [Math.cos(angle), Math.sin(angle)];
    const reach = (size * det ** 0.25) / Math.sqrt(a * c * c + 2 * b * c * s + d * s * s);
    return [reach * c, reach * s];
  });
}

/** How far a step's marker on the recorded run is: the share of the knob's way. */
export function moment(lesson, state, last) {
  const share = { t: last ? state.t / last : 1, k: state.k / MOST_K }[lesson.knob] ?? 1;
  const [from, to] = lesson.real;
  return from + share * (to - from);
}

/** The state that the address asks for, as far as it can be; `params` are URLSearchParams. */
export function asked(params) {
  const number = (name, low, high) => {
    const value = Number.parseFloat(params.get(name) ?? '');
    return value >= low && value <= high ? value : null;
  };
  const step = Math.round(number('step', 1, LESSONS.length) ?? 1);
  const t = number('t', 0, 60);
  const k = number('k', 0, MOST_K);
  const [w1, w2] = [number('w1', -9, 9), number('w2', -9, 9)];
  return {
    step, t: t === null ? null : Math.round(t), k: k === null ? null : Math.round(k), gamma: number('gamma', 0.1, 10),
    w: w1 === null || w2 === null ? null : [w1, w2],
  };
}

