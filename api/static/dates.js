/**
 * Due dates. The API has two kinds: a calendar date, the same day in every zone, and an instant.
 * This module formats each for people, puts it into a field, and reads it back.
 */

const CALENDAR_DATE = /^(\d{4})-(\d{2})-(\d{2})$/;
const DAY_MS = 86_400_000;

/* The page's texts are English, and a screen reader would mispronounce a weekday in another language. Node 20, which
   runs the tests of this module, has no navigator. */
const LOCALE = globalThis.navigator?.languages.find((language) => /^en\b/.test(language)) ?? "en-GB";

const format = (options) => new Intl.DateTimeFormat(LOCALE, options);
const WEEKDAY = format({ weekday: "long" });
const DAY_AND_MONTH = format({ day: "numeric", month: "long" });
const TIME = format({ timeStyle: "short" });
/* Calendar dates are kept as midnight in UTC and formatted in UTC, so that no time zone shifts them. */
const THIS_YEAR = format({ weekday: "short", day: "numeric", month: "short", timeZone: "UTC" });
const ANOTHER_YEAR = format({ day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });

export function today(now = new Date()) {
  return { weekday: WEEKDAY.format(now), date: DAY_AND_MONTH.format(now) };
}

/** @returns {{text: string, isToday: boolean, isPast: boolean}} */
export function describeDue(due, now = new Date()) {
  const day = dayOf(due);
  const distance = (day - localDay(now)) / DAY_MS;
  const instant = isCalendarDate(due) ? null : new Date(due);
  const isPast = instant ? instant < now : distance < 0;
  return { text: dayText(day, distance, now) + (instant ? `, ${TIME.format(instant)}` : ""), isToday: distance === 0, isPast };
}

/** Where a task that is due then belongs among "overdue", "today", "tomorrow", "later" and "none". */
export function dueGroup(due, now = new Date()) {
  if (due === null) return "none";
  const distance = (dayOf(due) - localDay(now)) / DAY_MS;
  if (distance < 0 || (!isCalendarDate(due) && new Date(due) < now)) return "overdue";
  return ["today", "tomorrow"][distance] ?? "later";
}

/** The type and value of a field that holds `due` as precisely as the page shows it. */
export function dueField(due) {
  if (due === null) return { type: "date", value: "" };
  if (isCalendarDate(due)) return { type: "date", value: due };
  const at = new Date(due);
  const date = [pad(at.getFullYear(), 4), pad(at.getMonth() + 1), pad(at.getDate())].join("-");
  return { type: "datetime-local", value: `${date}T${pad(at.getHours())}:${pad(at.getMinutes())}` };
}

/** The API's value of a field. */
export function dueFrom({ type, value }) {
  if (value === "") return null;
  return type === "date" ? value : new Date(value).toISOString();
}

function isCalendarDate(due) {
  return CALENDAR_DATE.test(due);
}

function dayOf(due) {
  const parts = CALENDAR_DATE.exec(due);
  return parts ? utcDay(Number(parts[1]), parts[2] - 1, Number(parts[3])) : localDay(new Date(due));
}

function localDay(at) {
  return utcDay(at.getFullYear(), at.getMonth(), at.getDate());
}

/** Not Date.UTC, which maps the years 0 to 99 to 1900 to 1999. */
function utcDay(year, month, day) {
  return new Date(0).setUTCFullYear(year, month, day);
}

function dayText(day, distance, now) {
  if (distance === 0) return "Today";
  if (distance === 1) return "Tomorrow";
  if (distance === -1) return "Yesterday";
  const sameYear = new Date(day).getUTCFullYear() === now.getFullYear();
  return (sameYear ? THIS_YEAR : ANOTHER_YEAR).format(day);
}

function pad(number, length = 2) {
  return String(number).padStart(length, "0");
}
