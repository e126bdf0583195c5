// Words and numbers of the page's scripts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clock, fill, missing } from '../../demos/static/lib.js';

test('a text is filled by name, each time it names a value', () => {
  assert.equal(fill('{n} of {all}: {n}', { n: 2, all: 5 }), '2 of 5: 2');
  assert.equal(fill('{name}', { name: '<script>{name}</script> $&' }), '<script>{name}</script> $&');
});

test('times are short for people', () => {
  assert.deepEqual([0, 4.25, 9.99, 10, 59.4, 59.6, 125].map(clock),
    ['0.0 s', '4.3 s', '10.0 s', '10 s', '59 s', '1 min 0 s', '2 min 5 s']);
});

test('zero and empty are values', () => {
  assert.deepEqual([null, undefined, 0, '', false].map(missing), [true, true, false, false, false]);
});
