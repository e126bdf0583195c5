// A table of methods as a file: CSV, JSON, Markdown, LaTeX. Everything is made in the browser.
import { missing } from './lib.js';
import { shown, signed } from './ranking.js';

const runs = (row) => (row.pinned ? '' : row.of > row.done ? `${row.done} of ${row.of}` : String(row.done));
const unit = ({ unit }) => (unit ? ` (${unit})` : '');

/** A field of a CSV file; a spreadsheet must not take a text for a formula. */
function field(value) {
  if (missing(value)) return '';
  if (typeof value === 'number') return String(value);
  const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** One line a row and column, numbers unrounded; what was not measured is an empty field. */
export function csv(table, rows) {
  const lines = [['row', 'runs', 'quantity', 'unit', 'mean', 'spread', 'gap_to_retrained', 'n', 'good', 'best']];
  for (const row of rows) {
    for (const column of table.columns) {
      const { mean, spread, gap, n, best } = row.cells[column.key] ?? {};
      lines.push([row.name, runs(row), column.title, column.unit, mean, spread, gap, n, column.good, best ? 'yes' : '']);
    }
  }
  return `${lines.map((line) => line.map(field).join(',')).join('\n')}\n`;
}

/** Everything that the table says, with where it comes from. */
export const json = (table, rows, about) => `${JSON.stringify({ ...about, title: table.title, said: table.said, columns: table.columns, rows }, null, 1)}\n`;

function text(cell, { digits }, { plus, best }) {
  if (missing(cell)) return '–';
  const spread = missing(cell.spread) ? '' : ` ${plus} ${shown(cell.spread, digits)}`;
  const value = `${shown(cell.mean, digits)}${spread}`;
  const gap = missing(cell.gap) ? '' : ` (${signed(cell.gap, digits)})`;
  return `${cell.best ? best(value) : value}${gap}`;
}

const md = (words) => words.replace(/[\\`*_{}[\]<>|]/g, '\\$&').replace(/\s+/g, ' ');

/** Gaps to the retrained model in brackets, best in bold. */
export function markdown(table, rows, source) {
  const head = ['method', 'runs', ...table.columns.map((column) => md(column.title + unit(column)))];
  const line = (cells) => `| ${cells.join(' | ')} |`;
  const body = rows.map((row) => line([md(row.name), runs(row), ...table.columns.map((column) => text(row.cells[column.key], column, { plus: '±', best: (value) => `**${value}**` }))]));
  return [...table.said.map(md), '', line(head), line(head.map(() => '---')), ...body, '', md(source), ''].join('\n');
}

const MATH = { '±': '\\pm', '\u2212': '-', 'λ': '\\lambda', 'α': '\\alpha', 'γ': '\\gamma', '²': '^2', '×': '\\times' };
const tex = (words) => words
  .replace(/[\\{}$&#^_~%]/g, (sign) => ({ '\\': '\\textbackslash{}', '^': '\\textasciicircum{}', '~': '\\textasciitilde{}' }[sign] ?? `\\${sign}`))
  .replace(/[±\u2212λαγ²×]/g, (sign) => `$${MATH[sign]}$`).replace(/[–—]/g, '--').replace(/[“”]/g, "''").replace(/\s+/g, ' ');

/** A tabular that needs the package booktabs; gaps to the retrained model in brackets, best in bold. */
export function latex(table, rows, source) {
  const head = ['Method', 'runs', ...table.columns.map((column) => tex(column.title + unit(column)))];
  const cell = (row, column) => tex(text(row.cells[column.key], column, { plus: '±', best: (value) => `\u0001${value}\u0002` })).replace('\u0001', '\\textbf{').replace('\u0002', '}');
  const body = rows.map((row) => [tex(row.name), runs(row), ...table.columns.map((column) => cell(row, column))].join(' & '));
  const pinned = rows.filter((row) => row.pinned).length;
  const split = [...body.slice(0, pinned).map((line) => `${line} \\\\`), ...(pinned ? ['\\midrule'] : []), ...body.slice(pinned).map((line) => `${line} \\\\`)];
  return [
    `% ${source.replace(/\s+/g, ' ')}`, '% \\usepackage{booktabs}', `\\begin{tabular}{l${'r'.repeat(head.length - 1)}}`, '\\toprule', `${head.join(' & ')} \\\\`, '\\midrule',
    ...split, '\\bottomrule', '\\end{tabular}', '',
  ].join('\n');
}
