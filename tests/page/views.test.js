import assert from "node:assert/strict";
import { test } from "node:test";

import { apiQueryOf, queryStringOf, viewOf } from "../../api/static/views.js";

test("without a query string the view is what is pending, by due date", () => {
  assert.deepEqual(viewOf(""), { status: "pending", sort: "due", search: "" });
  assert.equal(queryStringOf(viewOf("")), "");
});

test("each part of a view survives its URL", () => {
  for (const status of ["pending", "all", "completed"]) {
    for (const sort of ["due", "newest", "oldest", "title", "changed"]) {
      for (const search of ["", "tea & milk", "50 % + 1", "Überweisung #2"]) {
        const view = { status, sort, search };
        assert.deepEqual(viewOf(queryStringOf(view)), view);
      }
    }
  }
});

test("what a URL names in vain is the default", () => {
  assert.deepEqual(viewOf("?show=__proto__&sort=toString&q=%20"), { status: "pending", sort: "due", search: "" });
});

test("parameters of others are left alone", () => {
  assert.deepEqual(viewOf("?utm=1&show=all"), { status: "all", sort: "due", search: "" });
});

test("the API gets its own names", () => {
  const expected = { status: "all", search: "tea", sort: "created", order: "desc" };
  assert.deepEqual(apiQueryOf({ status: "all", sort: "newest", search: "tea" }), expected);
  assert.equal(apiQueryOf(viewOf("")).sort, "due_date");
});
