/** Fields that were changed on this page and, to another value, elsewhere. */

/**
 * `before` and `now` are two versions of a task, `mine` the fields changed here since `before`.
 * @returns {Object<string, any> | null} each field in conflict with its value in `now`
 */
export function conflictOf(before, now, mine) {
  const names = Object.keys(mine).filter(
    (name) => name in now && !isSame(name, before[name], now[name]) && !isSame(name, mine[name], now[name]),
  );
  return names.length === 0 ? null : Object.fromEntries(names.map((name) => [name, now[name]]));
}

/** Whether a task has all these values already. */
export function hasFields(task, fields) {
  return Object.entries(fields).every(([name, value]) => isSame(name, task[name], value));
}

/** An instant can be written in more than one way. */
function isSame(name, a, b) {
  if (name === "due_date" && a?.includes("T") && b?.includes("T")) return Date.parse(a) === Date.parse(b);
  return a === b;
}
