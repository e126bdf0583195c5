// A generator's samples: one canvas a class, so that new pictures replace the old ones without a blank between them.
// sheet: see demos/sheet_words.py sheet_value, which gives its words too.
import { fill, follow, make, put } from './lib.js';

const SIGNS = { own: '✓', other: '≠', none: '✗' };

/** Draws a sheet into `box` once its picture is read; null empties the box. */
export function drawSheet(box, sheet) {
  if (!sheet) {
    if (box.sheetShape) box.replaceChildren();
    box.sheetShape = box.sheetPng = '';
    return;
  }
  if (box.sheetPng === sheet.png) return;
  box.sheetPng = sheet.png;
  const image = new Image();
  image.onload = () => {
    // Another sheet may have come meanwhile; pictures, signs and words always change in one go.
    if (box.sheetPng !== sheet.png) return;
    const shape = JSON.stringify([sheet.side, sheet.columns, sheet.rows.map((row) => [row.title, row.forgotten, row.signs.length])]);
    if (box.sheetShape !== shape) {
      box.sheetShape = shape;
      build(box, sheet);
    }
    put(box.querySelector('.sheet-note'), fill(sheet.words.sheetNote, sheet));
    for (const line of box.querySelectorAll('.sheet-row')) drawRow(line, sheet, image);
  };
  image.src = `data:image/png;base64,${sheet.png}`;
}

function build(box, sheet) {
  const order = sheet.rows.map((_, at) => at).sort((a, b) => sheet.rows[b].forgotten - sheet.rows[a].forgotten || a - b);
  const list = make('div', { class: 'sheet-rows' }, ...order.map((at) => {
    const row = sheet.rows[at];
    const canvas = make('canvas', { width: sheet.columns * sheet.side, height: sheet.side, role: 'img' });
    const signs = make('span', { class: 'sheet-signs', 'aria-hidden': 'true' }, ...row.signs.map(() => make('i')));
    return make('div', { class: `sheet-row${row.forgotten ? ' forget' : ''}`, 'data-row': at },
      make('span', { class: 'sheet-name' }, row.title),
      make('span', { class: 'sheet-tiles' }, canvas, signs),
      make('span', { class: 'sheet-count' }));
  }));
  list.style.setProperty('--columns', sheet.columns);
  box.replaceChildren(make('p', { class: 'sheet-note' }), list);
}

function drawRow(line, { rows, side, words }, image) {
  const at = Number(line.dataset.row);
  const row = rows[at];
  const canvas = line.querySelector('canvas');
  canvas.getContext('2d').drawImage(image, 0, at * side, canvas.width, side, 0, 0, canvas.width, side);
  canvas.setAttribute('aria-label', fill(row.forgotten ? words.rowAltForget : words.rowAlt, row));
  line.querySelectorAll('i').forEach((node, k) => {
    const sign = row.signs[k];
    const shown = row.too[k] ? `${sign} too` : sign;
    if (node.className !== shown) { node.className = shown; node.textContent = SIGNS[sign]; }
    const meaning = sign === 'other' ? fill(words.other, { name: row.said[k] }) : words[sign];
    node.title = row.too[k] ? fill(words.tooSuffix, { meaning }) : meaning;
  });
  const right = row.signs.filter((sign) => sign === 'own').length;
  const all = row.signs.length; // none where nobody judges
  put(line.querySelector('.sheet-count'), all ? fill(words.count, { right, all }) : '');
}

/** A sheet by itself: value = {sheet, blurred}. */
export function mount(component) {
  const { element, props } = component;
  const box = element.querySelector('.sheet');
  follow(component, () => {
    box.classList.toggle('blurred', Boolean(props.value?.blurred));
    drawSheet(box, props.value?.sheet);
  });
}
