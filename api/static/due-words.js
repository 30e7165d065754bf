/**
 * Words for a due date in a title: "Call Bob tomorrow", "2 Dec 9:00 dentist".
 * Only words at the end or the start count: in the middle of a sentence they belong to it.
 */

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

const DAY = "sun(?:day)?|mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:rs?(?:day)?)?|fri(?:day)?|sat(?:urday)?";
const MONTH =
  "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?";
const DATE = [
  "(?<near>today|tomorrow|day after tomorrow)",
  "(?<start>next week|next month)",
  `(?<which>this |next )?(?<day>${DAY})`,
  "in (?<count>an?|\\d{1,3}) (?<unit>day|week|month)s?",
  `(?<dayFirst>\\d{1,2})(?:st|nd|rd|th)?\\.? (?<monthLast>${MONTH})(?:,? (?<year>\\d{4}))?`,
  `(?<monthFirst>${MONTH})\\.? (?<dayLast>\\d{1,2})(?:st|nd|rd|th)?(?:,? (?<yearLast>\\d{4}))?`,
  "(?<iso>\\d{4}-\\d{2}-\\d{2})",
].join("|");
const TIME = "(?<hour>\\d{1,2}):(?<minute>\\d{2})(?: ?(?<half>[ap])m)?|(?<hour12>\\d{1,2}) ?(?<half12>[ap])m";

/* A group name may occur only once in an expression, so each order of date and time has its own. */
const BODIES = [
  `(?<by>by |due )?(?:at )?(?:${TIME})(?:,? (?:on )?(?:${DATE}))`,
  `(?<by>(?:on|by|due) )?(?:${DATE})(?:,? (?:at )?(?:${TIME}))?`,
  `(?<by>by |due )?at (?:${TIME})`,
];
const EXPRESSIONS = BODIES.flatMap((body) => [
  new RegExp(`(?<= )(?<words>${body})[.!]?$`, "i"),
  new RegExp(`^(?<words>${body})(?=[ ,:])`, "i"),
]);

/* Also a star, a seat, a past tense: these count as a day only with a capital, or with "on", "next" and the like. */
const AMBIGUOUS = /^(?:sun|sat|wed)$/;

/**
 * The due date that a title's words name, or null.
 * @returns {{words: string, title: string, due: string} | null} `title` without the words; `due` as the API takes it
 */
export function findDueWords(text, now = new Date()) {
  const line = text.trim();
  for (const expression of EXPRESSIONS) {
    const match = expression.exec(line);
    if (!match || isOrdinaryWord(match.groups)) continue;
    const due = dueOf(match.groups, now);
    const title = line.replace(expression, "").replace(/^[\s,:–-]+|[\s,:–-]+$/g, "");
    if (due && title) return { words: match.groups.words, title, due };
  }
  return null;
}

function isOrdinaryWord({ words, by, which }) {
  return AMBIGUOUS.test(words) && !by && !which;
}

function dueOf(groups, now) {
  const time = timeOf(groups);
  const day = dayOf(groups, now);
  if (time === null || day === null) return null;
  if (!time) return day ? isoDate(day) : null;
  const at = day ?? startOfDay(now);
  at.setHours(time.hour, time.minute);
  // A time alone is its next occurrence.
  if (!day && at <= now) at.setDate(at.getDate() + 1);
  return at.toISOString();
}

/** `{hour, minute}`; undefined if no time is named; null for one that no clock shows. */
function timeOf({ hour, minute = "0", half, hour12, half12 }) {
  const named = hour ?? hour12;
  if (named === undefined) return undefined;
  const afternoon = (half ?? half12)?.toLowerCase();
  const [hours, minutes] = [Number(named), Number(minute)];
  if (minutes > 59 || hours > 23 || (afternoon && (hours < 1 || hours > 12))) return null;
  return { hour: afternoon ? (hours % 12) + (afternoon === "p" ? 12 : 0) : hours, minute: minutes };
}

/** Local midnight of the named day; undefined if no day is named; null for one that no calendar has. */
function dayOf({ near, start, which, day, count, unit, iso, ...calendar }, now) {
  const today = startOfDay(now);
  if (near) return addDays(today, { today: 0, tomorrow: 1 }[near.toLowerCase()] ?? 2);
  if (start) return /week/i.test(start) ? nextMonday(today) : new Date(today.getFullYear(), today.getMonth() + 1, 1);
  if (day) return weekday(DAYS.indexOf(day.slice(0, 3).toLowerCase()), /next/i.test(which ?? ""), today);
  if (count) return after(today, /^an?$/i.test(count) ? 1 : Number(count), unit.toLowerCase());
  if (iso) return validDay(...iso.split("-").map(Number));
  const { dayFirst, monthLast, year, monthFirst, dayLast, yearLast } = calendar;
  if (!(monthLast ?? monthFirst)) return undefined;
  const month = MONTHS.indexOf((monthLast ?? monthFirst).slice(0, 3).toLowerCase()) + 1;
  return dayOfMonth(Number(dayFirst ?? dayLast), month, year ?? yearLast, today);
}

/** The next such day after today; with `next`, the one in the week that begins on the next Monday. */
function weekday(index, next, today) {
  if (next) return addDays(nextMonday(today), (index + 6) % 7);
  return addDays(today, (index - today.getDay() + 7) % 7 || 7);
}

function dayOfMonth(day, month, year, today) {
  if (year) return validDay(Number(year), month, day);
  const thisYear = validDay(today.getFullYear(), month, day);
  return thisYear && thisYear >= today ? thisYear : validDay(today.getFullYear() + 1, month, day);
}

function validDay(year, month, day) {
  const date = new Date(year, month - 1, day);
  return date.getMonth() === month - 1 && date.getDate() === day ? date : null;
}

function after(today, count, unit) {
  if (unit !== "month") return addDays(today, unit === "week" ? 7 * count : count);
  const lastDay = new Date(today.getFullYear(), today.getMonth() + count + 1, 0).getDate();
  return new Date(today.getFullYear(), today.getMonth() + count, Math.min(today.getDate(), lastDay));
}

function nextMonday(today) {
  return addDays(today, (8 - today.getDay()) % 7 || 7);
}

/** Not by adding hours: some days have 23 or 25. */
function addDays(date, days) {
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + days);
}

function startOfDay(now) {
  return addDays(now, 0);
}

function isoDate(date) {
  const pad = (number, length) => String(number).padStart(length, "0");
  return [pad(date.getFullYear(), 4), pad(date.getMonth() + 1, 2), pad(date.getDate(), 2)].join("-");
}
