// The toy of the tab Learn: the numbers of the lesson, and what its parts are by hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apart, determinant, divergence, eigenvalues, fisher, gradient, hessian, known, loss, makeToy, path, pushOf, rowLosses, rowShares, solve } from '../../demos/static/toy.js';
import { numbers, rows, WAYS } from './toy_numbers.js';

const near = (a, b, by = 1e-12) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);
const all = (a, b, by) => { for (const [i, one] of a.entries()) near(one, b[i], by); };
const found = numbers();

// steps, distance to the retrained weights, KL to the retrained model on the remain rows, remain loss
const TABLE = {
  ascent: [34, 0.915, 0.0143, 0.315],
  joint: [32, 0.869, 0.0131, 0.314],
  exact_manifold: [46, 0.187, 0.0002, 0.299],
  fast_slow_k4: [17, 0.329, 0.0022, 0.301],
  fast_slow_k16: [10, 0.112, 0.0002, 0.299],
  fast_slow_k4_mask_adaptive: [23, 0.107, 0.0001, 0.299],
  ascent_60: [60, 5.677, 0.1533, 0.533],
  fast_slow_k4_60: [60, 4.496, 0.0703, 0.42],
  fast_slow_k4_adaptive_60: [60, 0.934, 0.0033, 0.304],
};

for (const [name, [steps, distance, kl, remain]] of Object.entries(TABLE)) {
  test(`the table: ${name}`, () => {
    const one = found.paths[name];
    assert.equal(one.steps, steps);
    near(one.distance, distance, 5e-4);
    near(one.kl, kl, 5e-5);
    near(one.remain, remain, 5e-4);
  });
}

test('the table: where every path starts, and what the mask frees', () => {
  near(found.start.distance, 2.398, 5e-4);
  near(found.start.kl, 0.0234, 5e-5);
  all(found.ratio, [0.554, 4.483], 5e-4);
  assert.deepEqual(found.ratio.map((ratio) => ratio >= 1), [false, true]);
});

const ONE = { x: [[1, 0]], y: [1] };

test('one row at weights of zero: the loss is log 2, its gradient half the row, its curvature a quarter', () => {
  near(loss(ONE, [0, 0]), Math.LN2);
  near(loss(ONE, [2, 0], 0.5), Math.log1p(Math.exp(-2)) + 1);
  assert.deepEqual(gradient(ONE, [0, 0]), [-0.5, 0]);
  assert.deepEqual(gradient(ONE, [0, 4], 0.5), [-0.5, 2]);
  assert.deepEqual(hessian(ONE, [0, 0], 0.1), [[0.35, 0], [0, 0.1]]);
  assert.deepEqual(fisher({ x: [[2, 0], [0, 4]], y: [1, 0] }, [0, 0]), [0.5, 2]);
  assert.equal(known({ x: [[1, 0], [-1, 0], [0, 1]], y: [1, 1, 0] }, [1, -1]), 2);
});

test('a row that is far on the wrong side has a loss as long as its way, not infinity', () => {
  all(rowLosses({ x: [[1000, 0], [1000, 0]], y: [0, 1] }, [1, 0]), [1000, 0]);
});

test('matrices of two rows', () => {
  const matrix = [[2, 1], [1, 2]];
  assert.equal(determinant(matrix), 3);
  assert.deepEqual(eigenvalues(matrix), [1, 3]);
  assert.deepEqual(solve(matrix, [3, 3]), [1, 1]);
  assert.equal(apart([0, 3], [4, 0]), 5);
});

test('equal models do not diverge; a half against a fifth does by log 1.25', () => {
  assert.equal(divergence(ONE, [1, 5], [1, 5]), 0);
  near(divergence(ONE, [0, 0], [Math.log(4), 0]), Math.log(1.25));
});

test('the best remembered row pushes most, all shares are one at the start, and they fade to none', () => {
  const toy = { forget: { x: [[0, 0], [3, 0]], y: [1, 1] } };
  const shares = rowShares(toy, [1, 0], 0);
  near(shares[0] + shares[1], 1);
  const [known3, guess] = [Math.log1p(Math.exp(-3)), Math.LN2];
  near(shares[1] / shares[0], Math.sqrt(guess / known3));
  assert.deepEqual(rowShares(toy, [1, 0], 60), [0, 0]);
  assert.deepEqual(rowShares(toy, [1, 0], 30, false), [0.5, 0.5]);
  assert.deepEqual(pushOf({ forget: ONE }, [0, 0], [1], [0, 1]).map(Math.abs), [0, 0]);
});

test('a mask that frees nothing leaves the weights, one that frees all changes nothing, K = 0 is ascent', () => {
  const toy = makeToy(rows);
  const last = (way) => path(toy, way).at(-1).w;
  assert.deepEqual(last({ method: 'ascent', gamma: 10 }), toy.original);
  assert.deepEqual(last({ method: 'ascent', gamma: 0.1 }), last({ method: 'ascent' }));
  assert.equal(last({ method: 'ascent', gamma: 1 })[0], toy.original[0]);
  all(last({ method: 'fast', K: 0 }), last({ method: 'ascent' }));
  assert.equal(path(toy, { ...WAYS.ascent, start: toy.retrained }).length, 1); // nothing to do
  assert.deepEqual(path(toy, { method: 'fast', K: 3 }).map(({ inner }) => inner.length).slice(0, 3), [0, 4, 4]);
});
