/** A view of the list: which tasks, in which order, found by which words. Its URL, and its default. */

/* The names in the URL, and what the API calls them. */
const SORTS = {
  due: { sort: "due_date", order: "asc" },
  newest: { sort: "created", order: "desc" },
  oldest: { sort: "created", order: "asc" },
  title: { sort: "title", order: "asc" },
  changed: { sort: "updated", order: "desc" },
};
const STATUSES = ["pending", "all", "completed"];

export const DEFAULT_VIEW = { status: "pending", sort: "due", search: "" };

/** The view that a URL's query string names. Unknown values count as not given. */
export function viewOf(queryString) {
  const parameters = new URLSearchParams(queryString);
  const [status, sort] = [parameters.get("show"), parameters.get("sort")];
  return {
    status: STATUSES.includes(status) ? status : DEFAULT_VIEW.status,
    sort: Object.hasOwn(SORTS, sort ?? "") ? sort : DEFAULT_VIEW.sort,
    search: parameters.get("q")?.trim() ?? "",
  };
}

/** The query string of a view, with "?"; empty for the default view. */
export function queryStringOf({ status, sort, search }) {
  const parameters = new URLSearchParams();
  if (status !== DEFAULT_VIEW.status) parameters.set("show", status);
  if (sort !== DEFAULT_VIEW.sort) parameters.set("sort", sort);
  if (search !== "") parameters.set("q", search);
  return parameters.size > 0 ? `?${parameters}` : "";
}

/** The view as a query to the API. */
export function apiQueryOf({ status, sort, search }) {
  return { status, search, ...SORTS[sort] };
}
