import { envelopeFields, eventFields, type Member } from "../../src/model/event-fields.ts";

type Members = Readonly<Record<string, Member>>;

const envelope: Members = envelopeFields;
const byKind: Readonly<Record<string, Members>> = eventFields;

/** An event, or a view of one, as it comes from a broker. */
export interface AnyEvent {
  readonly type: string;
  readonly data: { readonly of?: { readonly type: string }; readonly [member: string]: unknown };
}

const kindOf = (type: string): string => /^org\.sortgate\.(\w+)\.v1$/.exec(type)?.[1] ?? type;

/** Paths of all that stands in a value. */
function pathsOf(value: unknown, path: string): string[] {
  if (Array.isArray(value)) return value.flatMap((one) => pathsOf(one, `${path}[]`));
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([name, inner]) => pathsOf(inner, path === "" ? name : `${path}.${name}`));
}

/** A listed path with `*` for any name. */
function fits(listed: string, path: string): boolean {
  const [want, have] = [listed.split("."), path.split(".")];
  return want.length === have.length && want.every((name, at) => name === "*" || name === have[at]);
}

/** The members of an event, each with its label; undefined where there is none. */
export function labelsOf(event: AnyEvent): ReadonlyMap<string, Member | undefined> {
  const { data, ...around } = event;
  const of = data.of === undefined ? [] : [kindOf(data.of.type)];
  const members = [kindOf(event.type), ...of].flatMap((kind) => Object.entries(byKind[kind] ?? {}));
  const label = (listed: readonly [string, Member][], path: string) => listed.find(([one]) => fits(one, path))?.[1];
  return new Map([
    ...Object.keys(around).map((name) => [name, envelope[name]] as const),
    ...[...new Set(pathsOf(data, ""))].map((path) => [`data.${path}`, label(members, path)] as const),
  ]);
}

/** Members of an event that are not listed, by kind and path. */
export function unlisted(event: AnyEvent): string[] {
  return [...labelsOf(event)].flatMap(([path, label]) => (label === undefined ? [`${event.type}: ${path}`] : []));
}
