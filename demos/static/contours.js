// Lines of equal height of a function of two numbers: marching squares on a coarse grid.

/** The heights of `f([x, y])` at (n + 1)^2 places of a box {x: [low, high], y: [low, high]}. */
export function heights(f, box, n) {
  const place = ([low, high], k) => low + ((high - low) * k) / n;
  const xs = Array.from({ length: n + 1 }, (_, k) => place(box.x, k));
  const ys = Array.from({ length: n + 1 }, (_, k) => place(box.y, k));
  return { xs, ys, rows: ys.map((y) => xs.map((x) => f([x, y]))) };
}

/** The pieces [[x, y], [x, y]] of the line at a level, one or two a square; inside a square it is straight. */
export function contour({ xs, ys, rows }, level) {
  const pieces = [];
  for (let j = 0; j + 1 < ys.length; j += 1) {
    for (let i = 0; i + 1 < xs.length; i += 1) {
      const above = (rows[j][i] >= level) + (rows[j][i + 1] >= level) + (rows[j + 1][i] >= level) + (rows[j + 1][i + 1] >= level);
      if (above === 0 || above === 4) continue;
      const crossings = [[i, j, i + 1, j], [i + 1, j, i + 1, j + 1], [i + 1, j + 1, i, j + 1], [i, j + 1, i, j]]
        .map((edge) => crossing({ xs, ys, rows }, edge, level)).filter(Boolean);
      for (let k = 0; k + 1 < crossings.length; k += 2) pieces.push([crossings[k], crossings[k + 1]]);
    }
  }
  return pieces;
}

/** Where the line passes between two corners; null where it does not. */
function crossing({ xs, ys, rows }, [i, j, k, l], level) {
  const [a, b] = [rows[j][i] - level, rows[l][k] - level];
  if (a < 0 === b < 0) return null;
  const share = a / (a - b);
  return [xs[i] + share * (xs[k] - xs[i]), ys[j] + share * (ys[l] - ys[j])];
}

/** The same pieces put end to end: lists of places, so that dashes go on from piece to piece. */
export function lines(all) {
  const name = (place) => place.map((value) => Math.round(value * 1e9) || 0).join(); // no minus zero
  const pieces = all.filter(([a, b]) => name(a) !== name(b)); // none where a corner lies on the line
  const meet = new Map();
  for (const piece of pieces) for (const place of piece) meet.set(name(place), [...(meet.get(name(place)) ?? []), piece]);
  const left = new Set(pieces);
  const onward = (line) => {
    for (;;) {
      const end = name(line[line.length - 1]);
      const piece = meet.get(end).find((one) => left.has(one));
      if (!piece) return line;
      left.delete(piece);
      line.push(name(piece[0]) === end ? piece[1] : piece[0]);
    }
  };
  const found = [];
  for (const piece of pieces) {
    if (!left.delete(piece)) continue;
    found.push(onward(onward([...piece]).reverse()));
  }
  return found;
}
