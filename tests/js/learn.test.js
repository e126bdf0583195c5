// The tab Learn: contours, what its steps show, and the whole of it in a document of Node's.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contour, heights, lines } from '../../demos/static/contours.js';
import { mount } from '../../demos/static/learn.js';
import { asked, digits, ellipse, facts, LESSONS, moment, steepest } from '../../demos/static/lesson.js';
import { hessian, makeToy } from '../../demos/static/toy.js';
import { component, page, without } from './page.js';
import { rows } from './toy_numbers.js';

const toy = makeToy(rows);
const near = (a, b, by = 1e-9) => assert.ok(Math.abs(a - b) <= by, `${a} is not ${b}`);

test('a contour of a plane is straight, one of a bowl is a ring, one beyond all heights is nothing', () => {
  const box = { x: [0, 2], y: [-1, 1] };
  const slope = contour(heights(([x]) => x, box, 4), 0.75);
  assert.equal(slope.length, 4); // one piece a row of squares
  for (const [x] of slope.flat()) near(x, 0.75);
  const ring = contour(heights(([x, y]) => x * x + y * y, { x: [-2, 2], y: [-2, 2] }, 80), 1).flat();
  for (const point of ring) near(Math.hypot(...point), 1, 0.002);
  assert.deepEqual(contour(heights(([x]) => x, box, 4), 3), []);
});

test('pieces are put end to end, whatever their order and direction', () => {
  const [a, b, c, d] = [[0, 0], [1, 0], [1, 1], [5, 5]];
  assert.deepEqual(lines([[b, c], [b, a]]), [[c, b, a]]);
  assert.deepEqual(lines([[c, d], [a, b]]), [[d, c], [b, a]]);
  assert.deepEqual(lines([[a, b], [b, c], [c, a]]).map((line) => line.length), [4]); // a ring closes
  assert.equal(lines(contour(heights(([x, y]) => x * x + y * y, { x: [-2, 2], y: [-2, 2] }, 20), 1)).length, 1);
});

test('a saddle has two pieces in the square where its arms meet', () => {
  const saddle = contour({ xs: [0, 1], ys: [0, 1], rows: [[1, -1], [-1, 1]] }, 0);
  assert.equal(saddle.length, 2);
});

test('circle and ellipse have one area, both arrows end on their own, and the ellipse forgets more for its harm', () => {
  const matrix = hessian(toy.remain, [1.5, 1.5], toy.lam);
  const around = ellipse(matrix, 0.5, 400);
  const area = around.reduce((sum, [a, b], k) => sum + (a * around[(k + 1) % 400][1] - b * around[(k + 1) % 400][0]) / 2, 0);
  near(area, Math.PI * 0.25, 1e-3);
  const { circle, ellipse: along } = steepest(toy, [1.5, 1.5]);
  near(Math.hypot(circle.to[0] - 1.5, circle.to[1] - 1.5), 0.5);
  const [a, b] = [along.to[0] - 1.5, along.to[1] - 1.5];
  const [[p, q], [, r]] = matrix;
  near(p * a * a + 2 * q * a * b + r * b * b, 0.25 * Math.sqrt(p * r - q * q));
  assert.ok(along.forget > circle.forget && along.kl < circle.kl);
});

test('texts are given the numbers of the table', () => {
  const { distance, plain, adaptive, masked, k4, k16, manifold, target, best, lost, farForget } = facts(toy);
  assert.deepEqual([distance, plain, adaptive, k4, k16, manifold, target, best], ['0.92', '4.50', '0.93', '0.33', '0.11', '0.19', '1.99', '0.299']);
  assert.deepEqual([masked, lost, farForget], ['0.42', 16, '12.1']);
  assert.deepEqual([digits(-0.25, 2), digits(-0.0001, 2)], ['\u22120.25', '0.00']);
});

test('the marker of the recorded run goes with the knob', () => {
  const at = (step, state, last) => moment(LESSONS[step - 1], { t: 0, k: 0, ...state }, last);
  assert.deepEqual([at(2, { t: 0 }, 34), at(2, { t: 17 }, 34), at(2, { t: 34 }, 34)], [0, 3, 6]);
  assert.deepEqual([at(3, { t: 60 }, 60), at(1, {}, 0), at(7, { k: 0 }, 34), at(7, { k: 32 }, 7)], [150, 0, 6, 30]);
});

test('an address asks for a step and its state; what cannot be is left out', () => {
  const of = (text) => asked(new URLSearchParams(text));
  assert.deepEqual(of('step=7&k=16'), { step: 7, t: null, k: 16, gamma: null, w: null });
  assert.deepEqual(of('step=1&w1=0.5&w2=-1'), { step: 1, t: null, k: null, gamma: null, w: [0.5, -1] });
  for (const bad of ['', 'step=8', 'step=-1', 'step=%3Cscript%3E', 'step=1e99&k=99&t=-1&gamma=0&w1=1']) assert.deepEqual(of(bad), { step: 1, t: null, k: null, gamma: null, w: null });
});

const PARTS = ['steps', 'title', 'point', 'question', 'choices', 'answer', 'weights-note', 'do', 'knob', 'numbers', 'said', 'chart-title', 'real-line', 'real-why', 'pictures', 'table', 'theory', 'ask', 'pupils'];
const SVGS = ['data', 'weights', 'chart', 'recorded'];
const html = [
  ...PARTS.map((part) => `<div data-part="${part}"></div>`), ...SVGS.map((part) => `<figure><svg data-part="${part}"></svg></figure>`),
  ...['back', 'next', 'try'].map((part) => `<button data-part="${part}"></button>`), '<div data-part="real"></div><div data-part="closing"></div><details data-part="table-box"></details>',
].join('');
const step = (title) => ({ title, point: '{best} {distance}', question: 'q', choices: ['a', 'b'], right: 1, answer: '{lost}', do: '', weights: '', real: '{step}', theory: '', ask: '', pupils: '' });
const TEXTS = {
  steps: LESSONS.map((_, at) => step(`Step ${at + 1}`)), knobs: { t: 't', k: 'k', gamma: 'g' }, head: [], recorded: '{forget}', gain: '{forget}', said: '{step}', pictureAlt: '{truth}, {set}', sets: { forget: 'F', remain: 'R' },
};
const CURVE = { i: [0, 3, 6, 18, 30, 150], forget: [99.8, 50, 3.2, 13, 14, 0], remain: [99.8, 98, 96.2, 99, 99.6, 100] };

const PICTURES = [{ src: 'data:,', truth: 'Shoe', set: 'forget' }, { src: 'data:,', truth: 'Bag', set: 'remain' }];
const LOOKS = [{ i: 0, said: ['Shoe', 'Bag'] }, { i: 15, said: ['Boot', 'Bag'] }, { i: 30, said: ['Shoe', 'Bag'] }];

async function lesson(address) {
  globalThis.location = new URL(`http://localhost/${address}`);
  globalThis.history = { state: null, replaceState: (_, __, url) => { globalThis.location = url; } };
  const it = component(page(html), '', TEXTS);
  const recorded = { curve: CURVE, title: 't', steps: 150, n: 500, every: 30, density: 42, pictures: PICTURES, looks: LOOKS };
  it.props.lesson = { texts: TEXTS, toy: rows, recorded };
  await mount(it);
  const part = (name) => it.element.querySelector(`[data-part="${name}"]`);
  return { ...it, part, text: (name) => part(name).textContent };
}

test('a link opens a step with its K; guesses, knobs and steps are followed, and nothing is sent', { skip: without }, async () => {
  const it = await lesson('?lang=en&tab=learn&step=7&k=16');
  assert.equal(it.text('title'), '7. Step 7');
  assert.match(it.text('numbers'), /0\.112/);
  assert.equal(it.text('real-line'), '13.0'); // half of the way from the push to the next one: step 18
  assert.equal(it.text('pictures'), '✗ Boot✓ Bag'); // as it was last looked at, in step 15
  assert.equal(it.part('pictures').querySelector('img').alt, 'Shoe, F');
  it.part('choices').children[0].dispatchEvent(new window.Event('click'));
  assert.deepEqual([...it.part('choices').children].map((one) => one.textContent), ['✗ a', '✓ b']);
  assert.equal(it.text('answer'), '16');
  const slider = it.part('knob').querySelector('input[type=range]');
  slider.value = '0';
  slider.dispatchEvent(new window.Event('input'));
  assert.match(it.text('numbers'), /0\.915/);
  assert.equal(location.search, '?lang=en&tab=learn&step=7&k=0');
  it.part('back').dispatchEvent(new window.Event('click'));
  assert.equal(it.text('title'), '6. Step 6');
  assert.equal(it.text('answer'), '');
  assert.deepEqual(it.sent, []);
});

test('arrow keys move the weights, number boxes too, and a box refuses what is no weight', { skip: without }, async () => {
  const it = await lesson('?tab=learn');
  const handle = it.part('weights').querySelector('.handle');
  const key = (name) => { const event = new window.Event('keydown'); event.key = name; handle.dispatchEvent(event); };
  key('ArrowLeft');
  const [w1, w2] = it.part('knob').querySelectorAll('input');
  assert.equal(w1.value, '1.84');
  assert.equal(handle.getAttribute('aria-valuetext'), 'w1 1.84, w2 2.43');
  w2.value = '1';
  w2.dispatchEvent(new window.Event('change'));
  assert.equal(handle.getAttribute('aria-valuetext'), 'w1 1.84, w2 1.00');
  w2.value = '99';
  w2.dispatchEvent(new window.Event('change'));
  assert.equal(w2.value, '1.00');
  it.part('next').dispatchEvent(new window.Event('click'));
  assert.equal(handle.hasAttribute('tabindex'), false); // a path cannot be dragged
});
