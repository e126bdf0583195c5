// Curves and moments of a run: what is joined, cut and thinned before anything is drawn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cutAt, extend, extent, moment, tablePoints } from '../../demos/static/series.js';

const curve = (n) => {
  const i = Array.from({ length: n }, (_, at) => at + 1);
  return { i, forget: i.map((at) => at / 10), remain: i.map((at) => (at % 30 ? null : at)) };
};
const EMPTY = { i: [], forget: [], remain: [] };

test('a curve is cut behind a step, between two steps and before the first', () => {
  assert.deepEqual(cutAt(curve(5), 3), curve(3));
  assert.deepEqual(cutAt({ i: [2, 4], forget: [1, 2], remain: [3, 4] }, 3), { i: [2], forget: [1], remain: [3] });
  assert.deepEqual(cutAt(curve(5), -1), EMPTY);
  assert.deepEqual(cutAt(curve(5), 99), curve(5));
});

test('news are joined to what a page has, replace it, or leave it as it is', () => {
  const more = { from: 2, i: [3, 4], forget: [0.3, 0.4], remain: [null, null] };
  assert.deepEqual(extend(curve(2), more), curve(4));
  assert.deepEqual(extend(curve(3), more), curve(4)); // sent twice
  assert.deepEqual(extend(curve(9), { from: 0, ...curve(2) }), curve(2));
  const known = curve(2);
  assert.equal(extend(known, { from: 2, ...EMPTY }), known);
});

test('the server is told how many points a page has and the last step', () => {
  assert.equal(extent(EMPTY), null);
  assert.deepEqual(extent({ i: [2, 8], forget: [1, 1], remain: [1, 1] }), [2, 8]);
});

test('a table is thinned evenly, keeps the last point, and all points of a series with few values', () => {
  assert.deepEqual(tablePoints(curve(3), 60), [0, 1, 2]);
  assert.deepEqual(tablePoints(EMPTY, 60), []);
  const points = tablePoints(curve(600), 60);
  assert.equal(points.at(-1), 599);
  for (let at = 29; at < 600; at += 30) assert.ok(points.includes(at));
  assert.ok(points.length <= 80);
  assert.deepEqual(points, [...points].sort((a, b) => a - b));
});

test('a recorded moment has the last preview before it and curves up to its step', () => {
  const frames = [
    { step: 0, line: 'a' }, { step: 0, line: 'b', pictures: [['first']], sheet: null },
    { step: 2, line: 'c' }, { step: 4, line: 'd', pictures: [['second']], sheet: { png: 'x' } },
  ];
  const value = { frames, view: { loss: curve(4), accuracy: curve(4), n: [5, 6] } };
  const at = (k) => moment(value, k);
  assert.deepEqual(at(0).pictures, [['first']]); // the untouched network's, from the start
  assert.deepEqual(at(0).loss, EMPTY);
  assert.deepEqual(at(1).accuracy, EMPTY);
  assert.deepEqual([at(2).pictures, at(2).sheet, at(2).loss], [[['first']], null, curve(2)]);
  assert.deepEqual([at(3).pictures, at(3).sheet.png, at(3).line, at(3).n], [[['second']], 'x', 'd', [5, 6]]);
  assert.deepEqual(moment({ ...value, frames: [frames[0]] }, 0).pictures, []);
});
