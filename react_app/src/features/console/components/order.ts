interface Placed {
  readonly id: number;
  readonly name: string;
  readonly position: number;
}

/** As the API orders them: by position, and by name where two have the same. */
export function inOrder<T extends Placed>(rows: readonly T[]): T[] {
  return [...rows].sort((one, other) => one.position - other.position || one.name.localeCompare(other.name));
}

/** The positions to write so that the row at `index` goes one place up or down; rows may have had equal ones. */
export function swapped(
  rows: readonly Placed[],
  index: number,
  by: -1 | 1,
): { id: number; position: number }[] {
  const order = [...rows];
  const [row, other] = [order[index], order[index + by]];
  if (row === undefined || other === undefined) return [];
  order[index] = other;
  order[index + by] = row;
  return order
    .map(({ id, position: before }, position) => ({ id, before, position }))
    .filter(({ before, position }) => before !== position)
    .map(({ id, position }) => ({ id, position }));
}
