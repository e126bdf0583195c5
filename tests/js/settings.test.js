// What the settings take from an offer, and what a field accepts.
import assert from 'node:assert/strict';
import test from 'node:test';
import { accepts, taken } from '../../demos/static/settings.js';

const offer = (model, method, preset, presets = ['quick', 'thorough']) => ({
  key: `${model}|${method}|${preset}`,
  model,
  first: 'sfr-on',
  choices: [
    { name: 'method', value: method, choices: [['SFR-on', 'sfr-on'], ['SalUn', 'salun']] },
    { name: 'preset', value: preset, choices: presets.map((name) => [name, name]) },
  ],
});
const value = { model: 'a', method: 'sfr-on', preset: 'quick', changed: { alpha: 2 }, run: { seed: 1 }, shown: '', first: 'sfr-on' };

test('an offer for what is chosen is taken and keeps what was set by hand', () => {
  const { next, suits } = taken(value, offer('a', 'sfr-on', 'quick'));
  assert.ok(suits);
  assert.deepEqual(next, { ...value, shown: 'a|sfr-on|quick' });
});

test('an offer for an earlier choice changes nothing', () => {
  for (const early of [offer('a', 'salun', 'quick'), offer('a', 'sfr-on', 'thorough')]) {
    assert.deepEqual(taken(value, early), { next: value, suits: false });
  }
});

test('another model begins without changes, with the method as far as it has it', () => {
  const { next, suits } = taken(value, offer('b', 'sfr-on', 'quick'));
  assert.ok(suits);
  assert.deepEqual([next.model, next.changed, next.run], ['b', {}, { seed: 1 }]);
  assert.equal(taken({ ...value, method: 'scrub' }, offer('b', 'sfr-on', 'quick')).next.method, 'sfr-on');
});

test('where the method was what the model before begins with, the next one begins with its own', () => {
  const other = { ...offer('b', 'salun', 'quick'), first: 'salun' };
  const { next, suits } = taken(value, other);
  assert.ok(suits);
  assert.deepEqual([next.method, next.first], ['salun', 'salun']);
  // A method that was chosen is kept, and an offer that knew another one waits for its own.
  assert.deepEqual(taken({ ...value, first: 'scrub' }, other), { next: { ...value, first: 'salun', model: 'b', changed: {} }, suits: false });
});

test('a preset that a method does not have gives way', () => {
  const { next, suits } = taken({ ...value, preset: 'published' }, offer('a', 'sfr-on', 'quick'));
  assert.ok(suits);
  assert.equal(next.preset, 'quick');
});

test('numbers are checked for range, kind and emptiness', () => {
  const whole = { kind: 'int', low: 1, high: 20, optional: false, value: 5 };
  assert.deepEqual([1, 20, 0, 2.5, null, 'no number'].map((v) => accepts(whole, v)), [true, true, false, false, false, false]);
  assert.ok(accepts({ ...whole, optional: true }, null));
  assert.ok(accepts({ ...whole, kind: 'choice' }, 'any'));
});
