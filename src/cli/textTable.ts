/** Tables for a terminal. */

export interface Cell {
  readonly text: string;
  /** Needs a person's look: red, where there are colours. */
  readonly isBad?: boolean;
}

export interface Column {
  readonly head: string;
  readonly align?: 'right';
}

const GAP = '   ';

/** Lines without blank ends; columns in which nothing stands are left out, head and all. */
export function textTable(columns: readonly Column[], rows: readonly (readonly Cell[])[], color: boolean): string[] {
  const widths = columns.map(({ head }, index) => {
    const width = rows.reduce((widest, row) => Math.max(widest, row[index]?.text.length ?? 0), 0);
    return width === 0 ? 0 : Math.max(width, head.length);
  });
  const line = (cells: readonly Cell[]) =>
    cells
      .map((cell, index) => ({ cell, width: widths[index] ?? 0, align: columns[index]?.align }))
      .filter(({ width }) => width > 0)
      .map(({ cell, width, align }) => padded(cell, width, align, color))
      .join(GAP)
      .trimEnd();
  return [line(columns.map(({ head }) => ({ text: head }))), ...rows.map(line)];
}

function padded({ text, isBad = false }: Cell, width: number, align: Column['align'], color: boolean): string {
  const blank = ' '.repeat(width - text.length);
  const tinted = isBad ? red(text, color) : text;
  return align === 'right' ? blank + tinted : tinted + blank;
}

export function red(text: string, color: boolean): string {
  return color && text !== '' ? `\u001B[31m${text}\u001B[39m` : text;
}
