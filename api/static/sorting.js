/** The order of a list, as the service sorts it. Only titles can differ a little: the service folds more letters. */

const COLLATOR = new Intl.Collator("en", { sensitivity: "base" });

/** The value that a sort compares; null sorts last. */
const VALUES = {
  created: ({ created_at }) => Date.parse(created_at),
  updated: ({ updated_at }) => Date.parse(updated_at),
  /** A calendar date sorts as its midnight in UTC. */
  due_date: ({ due_date }) => (due_date === null ? null : Date.parse(due_date)),
  title: ({ title }) => title,
};

export function sortValue(task, sort) {
  return VALUES[sort](task);
}

/** Compares two tasks for Array.sort. */
export function comparison({ sort, order }) {
  const sign = order === "desc" ? -1 : 1;
  return (a, b) => {
    const [x, y] = [sortValue(a, sort), sortValue(b, sort)];
    if (x === null || y === null) return x === y ? sign * (a.id - b.id) : x === null ? 1 : -1;
    const difference = typeof x === "string" ? COLLATOR.compare(x, y) : x - y;
    return sign * (difference || a.id - b.id);
  };
}
