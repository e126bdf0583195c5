// A generator's samples: one canvas a class, so that new pictures replace the old ones without a blank between them.
// sheet: see demos/sheet_words.py sheet_value, which gives its words too.
const SHEET_SIGNS = { own: '✓', other: '≠', none: '✗' };
const sheetWords = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

function buildSheet(box, sheet) {
  const order = sheet.rows.map((_, at) => at).sort((a, b) => sheet.rows[b].forgotten - sheet.rows[a].forgotten || a - b);
  const note = document.createElement('p');
  note.className = 'sheet-note';
  const list = document.createElement('div');
  list.className = 'sheet-rows';
  list.style.setProperty('--columns', sheet.columns);
  for (const at of order) {
    const row = sheet.rows[at];
    const line = document.createElement('div');
    line.className = 'sheet-row' + (row.forgotten ? ' forget' : '');
    line.dataset.row = at;
    const name = document.createElement('span');
    name.className = 'sheet-name';
    name.textContent = row.title;
    const tiles = document.createElement('span');
    tiles.className = 'sheet-tiles';
    const canvas = document.createElement('canvas');
    canvas.width = sheet.columns * sheet.side;
    canvas.height = sheet.side;
    canvas.setAttribute('role', 'img');
    const signs = document.createElement('span');
    signs.className = 'sheet-signs';
    signs.setAttribute('aria-hidden', 'true');
    for (const _ of row.signs) signs.append(document.createElement('i'));
    tiles.append(canvas, signs);
    const count = document.createElement('span');
    count.className = 'sheet-count';
    line.append(name, tiles, count);
    list.append(line);
  }
  box.replaceChildren(note, list);
}

function drawSheet(box, sheet) {
  if (!sheet) {
    if (box.sheetShape) box.replaceChildren();
    box.sheetShape = box.sheetPng = '';
    return;
  }
  const words = sheet.words;
  if (box.sheetPng === sheet.png) return;
  box.sheetPng = sheet.png;
  const image = new Image();
  image.onload = () => {
    // Another sheet may have come meanwhile; pictures, signs and words always change in one go.
    if (box.sheetPng !== sheet.png) return;
    const shape = JSON.stringify([sheet.side, sheet.columns, sheet.rows.map((row) => [row.title, row.forgotten, row.signs.length])]);
    if (box.sheetShape !== shape) {
      box.sheetShape = shape;
      buildSheet(box, sheet);
    }
    box.querySelector('.sheet-note').textContent = sheetWords(words.sheetNote, sheet);
    for (const line of box.querySelectorAll('.sheet-row')) {
      const at = Number(line.dataset.row);
      const row = sheet.rows[at];
      const canvas = line.querySelector('canvas');
      canvas.getContext('2d').drawImage(image, 0, at * sheet.side, canvas.width, sheet.side, 0, 0, canvas.width, sheet.side);
      canvas.setAttribute('aria-label', sheetWords(row.forgotten ? words.rowAltForget : words.rowAlt, row));
      line.querySelectorAll('i').forEach((node, k) => {
        const sign = row.signs[k];
        if (node.className !== sign) { node.className = sign; node.textContent = SHEET_SIGNS[sign]; }
        node.title = sign === 'other' ? sheetWords(words.other, { name: row.said[k] }) : words[sign];
      });
      const right = row.signs.filter((sign) => sign === 'own').length;
      const all = row.signs.length; // none where nobody judges
      line.querySelector('.sheet-count').textContent = all ? sheetWords(words.count, { right, all }) : '';
    }
  };
  image.src = 'data:image/png;base64,' + sheet.png;
}
