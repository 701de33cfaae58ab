/** Every hour of every day. */
export const always = 'always';

const pattern = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)(?: ([A-Za-z][\w+-]*(?:\/[\w+-]+)*))?$/;

/** Hours of a day, in minutes since midnight in a time zone. They may go over midnight. */
interface Hours {
  from: number;
  until: number;
  timeZone: string;
}

/** True for `always`, `22:00-06:00` and `22:00-06:00 Europe/Berlin`; without a time zone they are of UTC. */
export function isHours(text: string): boolean {
  return text === always || parse(text) !== undefined;
}

/** Whether a moment is in these hours. Those that are not valid have none. */
export function isWithin(text: string, at: Date): boolean {
  if (text === always) return true;
  const hours = parse(text);
  if (hours === undefined) return false;
  const { from, until, timeZone } = hours;
  const now = minuteOf(at, timeZone);
  return from < until ? from <= now && now < until : from <= now || now < until;
}

function parse(text: string): Hours | undefined {
  const [whole, fromHour, fromMinute, untilHour, untilMinute, timeZone = 'UTC'] = pattern.exec(text) ?? [];
  if (whole === undefined) return undefined;
  const from = Number(fromHour) * 60 + Number(fromMinute);
  const until = Number(untilHour) * 60 + Number(untilMinute);
  return from === until || !isTimeZone(timeZone) ? undefined : { from, until, timeZone };
}

function isTimeZone(name: string): boolean {
  try {
    minuteOf(new Date(0), name);
    return true;
  } catch {
    return false;
  }
}

/** @throws RangeError for a time zone that nobody knows */
function minuteOf(at: Date, timeZone: string): number {
  const options = { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' } as const;
  const parts = new Intl.DateTimeFormat('en', options).formatToParts(at);
  const number = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return number('hour') * 60 + number('minute');
}
