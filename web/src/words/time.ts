// Times and durations as people read them.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`: two units at most, and none that is zero. */
export function duration(milliseconds: number): string {
  const ms = Math.max(0, milliseconds);
  if (ms < 9_950) return `${(ms / SECOND).toFixed(1)} s`;
  if (ms < MINUTE - SECOND / 2) return `${Math.round(ms / SECOND)} s`;
  if (ms < 10 * MINUTE) return pair(ms, MINUTE, "min", SECOND, "s");
  if (ms < HOUR - MINUTE / 2) return `${Math.round(ms / MINUTE)} min`;
  if (ms < DAY) return pair(ms, HOUR, "h", MINUTE, "min");
  return pair(ms, DAY, "d", HOUR, "h");
}

function pair(ms: number, big: number, bigUnit: string, small: number, smallUnit: string): string {
  const smalls = Math.round(ms / small);
  const perBig = big / small;
  const rest = smalls % perBig;
  const whole = `${Math.floor(smalls / perBig)} ${bigUnit}`;
  return rest === 0 ? whole : `${whole} ${rest} ${smallUnit}`;
}

/** One unit, for ages: `now`, `40 s`, `7 min`, `2 h`, `3 d`. */
export function age(milliseconds: number): string {
  const ms = Math.abs(milliseconds);
  if (ms < SECOND) return "now";
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** `40 s ago`, `in 7 min`, `just now`. */
export function relative(at: Date, now: number): string {
  const past = now - at.getTime();
  if (past > -SECOND && past < 5 * SECOND) return "just now";
  return past >= 0 ? `${age(past)} ago` : `in ${age(past)}`;
}

const full = new Intl.DateTimeFormat("en-GB", {
  dateStyle: "medium",
  timeStyle: "long",
});

const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const precise = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** As a field for a day and a time has it, by the clock of this device. */
export function forField(at: Date): string {
  const local = new Date(at.getTime() - at.getTimezoneOffset() * MINUTE);
  return local.toISOString().slice(0, 16);
}

/** With date, seconds and time zone. */
export function absolute(at: Date): string {
  return full.format(at);
}

/** `10:02`, with the day in front when it is another one. */
export function timeOfDay(at: Date, now: number, seconds = false): string {
  const time = (seconds ? precise : clock).format(at);
  return at.toDateString() === new Date(now).toDateString() ? time : `${day.format(at)}, ${time}`;
}
