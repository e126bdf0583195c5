// Prints what toy.js makes of the rows, as JSON: tests/demos/learn/test_toy.py compares it with numpy.
import { readFileSync } from 'node:fs';
import { makeToy, measures, path } from '../../demos/static/toy.js';

export const rows = JSON.parse(readFileSync(new URL('../../demos/static/learn_toy.json', import.meta.url)));
export const WAYS = {
  ascent: { method: 'ascent' },
  joint: { method: 'joint' },
  exact_manifold: { method: 'manifold' },
  fast_slow_k4: { method: 'fast', K: 4 },
  fast_slow_k16: { method: 'fast', K: 16 },
  fast_slow_k4_mask_adaptive: { method: 'fast', K: 4, adaptive: true, gamma: 1 },
  ascent_60: { method: 'ascent', stops: false },
  fast_slow_k4_60: { method: 'fast', K: 4, stops: false },
  fast_slow_k4_adaptive_60: { method: 'fast', K: 4, adaptive: true, stops: false },
};

export function numbers() {
  const toy = makeToy(rows);
  const end = (way) => {
    const points = path(toy, way);
    const { w } = points.at(-1);
    return { steps: points.length - 1, end: w, ...measures(toy, w) };
  };
  const { original, retrained, ratio, target } = toy;
  const paths = Object.fromEntries(Object.entries(WAYS).map(([name, way]) => [name, end(way)]));
  return { original, retrained, ratio, target, start: measures(toy, original), paths };
}

if (process.argv[1] === new URL(import.meta.url).pathname) process.stdout.write(JSON.stringify(numbers()));
