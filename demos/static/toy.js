// Logistic regression with two weights and no bias: a network so small that its whole weight space is a plane (docs/adr/0064).
// A set is {x: [[x1, x2], ...], y: [0 or 1, ...]}; weights are [w1, w2]. Nothing here knows the page.

export const BETA = 0.12; // size of a forgetting step
export const ETA = 0.8; // size of a repairing step
export const ALPHA = 1; // share of the way that the slow weights follow
export const STEPS = 60; // of a path that nobody stops; the adaptive push has faded by then

const sigmoid = (z) => 1 / (1 + Math.exp(-z));
const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
const plus = (a, b, factor = 1) => [a[0] + factor * b[0], a[1] + factor * b[1]];
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
export const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);

/** log(1 + e^z) - y z: how badly a row is known. */
const rowLoss = (z, y) => Math.max(z, 0) + Math.log1p(Math.exp(-Math.abs(z))) - y * z;

/** The loss of each row. */
export const rowLosses = ({ x, y }, w) => x.map((row, i) => rowLoss(dot(row, w), y[i]));

// Plain loops: contours and paths ask for these thousands of times before the first drawing.
/** The mean loss, with lam/2 |w|^2. */
export function loss({ x, y }, w, lam = 0) {
  let sum = 0;
  for (let i = 0; i < x.length; i += 1) sum += rowLoss(x[i][0] * w[0] + x[i][1] * w[1], y[i]);
  return sum / x.length + (lam / 2) * dot(w, w);
}

/** Its gradient; `shares` weigh the rows (1/n where none are given). */
export function gradient({ x, y }, w, lam = 0, shares = null) {
  let [a, b] = [lam * w[0], lam * w[1]];
  for (let i = 0; i < x.length; i += 1) {
    const pull = (sigmoid(x[i][0] * w[0] + x[i][1] * w[1]) - y[i]) * (shares ? shares[i] : 1 / x.length);
    a += pull * x[i][0];
    b += pull * x[i][1];
  }
  return [a, b];
}

/** Its second derivatives, [[a, b], [b, d]]. */
export function hessian({ x }, w, lam = 0) {
  let [a, b, d] = [lam, 0, lam];
  for (const row of x) {
    const s = sigmoid(dot(row, w));
    const share = (s * (1 - s)) / x.length;
    a += share * row[0] * row[0];
    b += share * row[0] * row[1];
    d += share * row[1] * row[1];
  }
  return [[a, b], [b, d]];
}

export const determinant = ([[a, b], [, d]]) => a * d - b * b;
/** matrix^-1 vector. */
export const solve = (matrix, v) => {
  const [[a, b], [, d]] = matrix;
  return [(d * v[0] - b * v[1]) / determinant(matrix), (a * v[1] - b * v[0]) / determinant(matrix)];
};
/** The least and the greatest eigenvalue. */
export const eigenvalues = ([[a, b], [, d]]) => {
  const half = Math.hypot((a - d) / 2, b);
  return [(a + d) / 2 - half, (a + d) / 2 + half];
};

/** The weights of least loss, by Newton's method. */
export function trained(set, lam) {
  let w = [0, 0];
  for (let i = 0; i < 10; i += 1) w = plus(w, solve(hessian(set, w, lam), gradient(set, w, lam)), -1);
  return w;
}

/** Mean squared gradient of single rows: how much a set cares about each weight (diagonal Fisher information). */
export const fisher = ({ x, y }, w) => [0, 1].map((j) => mean(x.map((row, i) => ((sigmoid(dot(row, w)) - y[i]) * row[j]) ** 2)));

/** KL divergence of the predictions of `w` from those of `reference`, mean over the rows, in nats. */
export const divergence = ({ x }, reference, w) => mean(x.map((row) => {
  const [p, q] = [sigmoid(dot(row, reference)), sigmoid(dot(row, w))];
  return p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
}));

/** How many rows get their label. */
export const known = ({ x, y }, w) => x.filter((row, i) => (dot(row, w) > 0) === (y[i] === 1)).length;

/** The toy from its rows: both sets, the original and the retrained weights, and what is known at the start. */
export function makeToy({ lam, remain_x, remain_y, forget_x, forget_y }) {
  const remain = { x: remain_x, y: remain_y };
  const forget = { x: forget_x, y: forget_y };
  const original = trained({ x: [...remain_x, ...forget_x], y: [...remain_y, ...forget_y] }, lam);
  const retrained = trained(remain, lam);
  const fishers = { forget: fisher(forget, original), remain: fisher(remain, original) };
  return {
    lam, remain, forget, original, retrained, fisher: fishers,
    ratio: [0, 1].map((j) => fishers.forget[j] / fishers.remain[j]),
    target: loss(forget, retrained), // every path stops here: as badly known as by the retrained model
    stiffness: eigenvalues(hessian(remain, original, lam))[0],
  };
}

/** What is measured at some weights. */
export const measures = (toy, w) => ({
  forget: loss(toy.forget, w), remain: loss(toy.remain, w, toy.lam),
  distance: apart(w, toy.retrained), kl: divergence(toy.remain, toy.retrained, w), known: known(toy.forget, w),
});

/** The weight of each forget row at step `t`: l^-1/2 as a share, fading to nothing; without adaptive weights 1/n. */
export function rowShares(toy, w, t, adaptive = true) {
  const losses = rowLosses(toy.forget, w);
  if (!adaptive) return losses.map(() => 1 / losses.length);
  const roots = losses.map((one) => one ** -0.5);
  return roots.map((root) => ((1 - t / STEPS) * root) / (mean(roots) * roots.length));
}

/** The push u: minus the weighted gradients of the forget rows, where the mask lets it through. A step is w - beta u. */
export const pushOf = (toy, w, shares, mask = [1, 1]) => gradient(toy.forget, w, 0, shares).map((part, j) => -mask[j] * part);

/**
 * A way through the weight plane.
 * @param way method: 'ascent', 'joint', 'manifold' or 'fast' (fast and slow); K: repairing steps of 'fast'; adaptive: whether rows are weighed;
 *   gamma: threshold of the mask, null for none; stops: whether it stops at the retrained model's forget loss; start: weights
 * @returns points [{w, inner}]: weights after each step, the first of them the start; inner: the fast weights on the way there
 */
export function path(toy, { method, K = 0, adaptive = false, gamma = null, stops = true, start = toy.original }) {
  const mask = gamma === null ? [1, 1] : toy.ratio.map((ratio) => Number(ratio >= gamma));
  const points = [{ w: start, inner: [] }];
  for (let t = 0; t < STEPS; t += 1) {
    const { w } = points[t];
    if (stops && loss(toy.forget, w) >= toy.target) break;
    const push = pushOf(toy, w, rowShares(toy, w, t, adaptive), mask);
    points.push(moved(toy, w, push, method, K));
  }
  return points;
}

function moved(toy, w, push, method, K) {
  const { remain, lam } = toy;
  if (method === 'ascent') return { w: plus(w, push, -BETA), inner: [] };
  if (method === 'joint') return { w: plus(w, plus(push, gradient(remain, w, lam)), -BETA), inner: [] };
  if (method === 'manifold') return { w: plus(w, solve(hessian(remain, w, lam), push), -BETA * toy.stiffness), inner: [] };
  let fast = plus(w, push, -BETA);
  const inner = [fast];
  for (let k = 0; k < K; k += 1) {
    fast = plus(fast, gradient(remain, fast, lam), -ETA);
    inner.push(fast);
  }
  return { w: plus(w, plus(fast, w, -1), ALPHA), inner };
}
