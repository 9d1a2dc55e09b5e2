import { shortName } from "./quantity.ts";

/** An event as `watch` and `peek` give it away: its code is masked already. */
interface ShownEvent {
  readonly sequence: string;
  readonly time: string;
  readonly kind: string;
  readonly subject: string;
  readonly device: string;
  readonly what: string;
}

/** A whole token fills half a line, and its ends tell two of one day apart; --json has all of it. */
const tokenCharactersMax = 16;

const textOf = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : "";

/** What of an event stands on one line. Takes anything: a daemon of another version may say more or less. */
export function shownEvent(event: unknown): ShownEvent {
  const { sequence, time, kind, subject, data } = recordOf(event);
  const facts = recordOf(data);
  const whole = textOf(time);
  return {
    sequence: textOf(sequence),
    time: whole.includes("T") ? whole.replace("T", " ").replace("Z", "") : whole,
    kind: textOf(kind),
    subject: textOf(subject),
    device: textOf(facts.device),
    what: whatOf(facts),
  };
}

/** The code or what stands for it; of an alarm its name first; of other events, what they are about. */
function whatOf(facts: Readonly<Record<string, unknown>>): string {
  const { code, token, codeClass, length, readCount, alarm, state, hours, stepMs, reason, action, count, size } = facts;
  const parts = [
    textOf(code) || shortName(textOf(token), tokenCharactersMax),
    textOf(codeClass),
    textOf(code) === "" && textOf(length) !== "" && `${textOf(length)} ${length === 1 ? "byte" : "bytes"}`,
    textOf(readCount) !== "" && `${textOf(readCount)} ${readCount === 1 ? "read" : "reads"}`,
    textOf(alarm),
    textOf(state),
    textOf(hours) !== "" && `${textOf(hours)} h`,
    textOf(stepMs) !== "" && `${textOf(stepMs)} ms`,
    textOf(action),
    textOf(reason),
    textOf(count) !== "" && `count ${textOf(count)}`,
    textOf(size) !== "" && `${textOf(size)} events`,
  ];
  return parts.filter((part) => part !== "" && part !== false).join("  ");
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}
