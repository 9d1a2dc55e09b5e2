import { isIdentityNumber } from "../personal.ts";
import { classOf, type FieldKind, Fields, type Label } from "./field.ts";
import { kindOfKey } from "./keys.ts";
import { Pieces } from "./pieces.ts";

/** A member of a carrier's code: what it is, and how it is written; in another form it is free text. */
type Member = readonly [FieldKind, RegExp];

const any = /^/;

/** SF's members: transfer centre, station, area, service class, waybill, unpacking mark, check. */
const sfMembers: ReadonlyMap<string, Member> = new Map<string, Member>([
  ["k1", ["routing", /^\d{3}[A-Z]{0,2}$/]],
  ["k2", ["routing", /^\d{3}[A-Z]{0,3}$/]],
  ["k3", ["routing", /^\d{3}$/]],
  ["k4", ["service", /^[A-Z]{1,2}\d{0,2}$/]],
  ["k5", ["waybill", any]],
  ["k6", ["order", any]],
  ["k7", ["order", any]],
]);

function addMember(fields: Fields, member: Member | undefined, value: string | undefined): void {
  fields.add(member?.[1].test(value ?? "") ? member[0] : "free", value);
}

/** A member that comes again is none of the carrier's, for piece by piece it could tell anything; but a second waybill is one. */
function memberOf(members: ReadonlyMap<string, Member>, name: string, seen: Set<string>): Member | undefined {
  const member = members.get(name);
  const isAgain = seen.has(name);
  seen.add(name);
  return isAgain && member?.[0] !== "waybill" ? undefined : member;
}

/** Scanners and printers put numbers and further `M`s before it. */
const sfStart = /MMM=\{/;
const glueMax = 64;

/**
 * Reads SF's sorting code, `MMM={'k1':'…',…}`: like JSON, but for its quotes.
 *
 * Gives:   undefined for other text. What stands before and behind it is free text, and so is a member of another name or form.
 * Source:  `privacy.md` §2.1.
 */
export function readSfCode(text: string): Label | undefined {
  const start = text.slice(0, glueMax).search(sfStart);
  const open = start < 0 ? -1 : text.indexOf("{", start);
  const close = open < 0 ? -1 : text.indexOf("}", open);
  if (close < 0) return undefined;
  const fields = new Fields();
  const glue = text.slice(0, start).replace(/M+$/, "");
  fields.add("free", glue);
  const seen = new Set<string>();
  const members = new Pieces(text.slice(open + 1, close), ",");
  for (let member = members.next(); member !== undefined; member = members.next()) {
    if (fields.isCut) break;
    if (member === "") continue;
    const [, name = "", value] = /^\s*'(\w{1,8})'\s*:\s*'([^']*)'\s*$/.exec(member) ?? [];
    addMember(fields, memberOf(sfMembers, name, seen), value ?? member);
  }
  fields.add("free", text.slice(close + 1).trim());
  return fields.label("sf-mmm");
}

/** YTO's members: waybill, three-part code, and numbers of stations. `dtb` is none of them: it has words in it. */
const ytoMembers: ReadonlyMap<string, Member> = new Map<string, Member>([
  ["mn", ["waybill", any]],
  ["ssc", ["routing", /^\d{3}-\d{3}-\d{2}$/]],
  ["tsc", ["routing", /^\d{3}$/]],
  ["pcn", ["routing", /^\d{6}$/]],
  ["rbc", ["routing", /^\d{6}$/]],
  ["sbc", ["routing", /^\d{6}$/]],
]);

/** Members that shippers add of their own: of somebody, if their name says so. */
function personal(name: string): Member | undefined {
  const kind = kindOfKey(name);
  return kind !== undefined && classOf[kind] === "core" ? [kind, any] : undefined;
}

/** A value of JSON; of an object or array how it is written. */
type Written = string | number | boolean | null | { readonly text: string };

/**
 * Reads YTO's sorting code, a JSON object with `mn` and `ssc`.
 *
 * Takes:   its members in order, also those with one name.
 * Gives:   undefined for other objects. What is not written as YTO writes it is free text, and so are its ways where they
 *          hold an identity number together. A telephone is not looked for there: one random code in fourteen begins with
 *          the digits of one.
 */
export function readYtoCode(members: readonly (readonly [name: string, value: Written])[]): Label | undefined {
  const has = (wanted: string, form: RegExp): boolean =>
    members.some(([name, value]) => name === wanted && typeof value === "string" && form.test(value));
  if (!has("mn", any) || !has("ssc", /^\d{3}-\d{3}-\d{2}$/)) return undefined;
  const fields = new Fields();
  const seen = new Set<string>();
  const read = members.map(([name, value]) => ({
    member: memberOf(ytoMembers, name, seen) ?? personal(name),
    text: typeof value === "object" && value !== null ? value.text : String(value),
  }));
  const ways = read.filter(({ member, text }) => member?.[0] === "routing" && member[1].test(text));
  const areWays = !holdsIdentity(ways.map(({ text }) => text.replaceAll("-", "")).join(""));
  for (const { member, text } of read)
    addMember(fields, member?.[0] === "routing" && !areWays ? undefined : member, text);
  return fields.label("yto-json");
}

const identityLength = 18;

/** Whether digits are an identity number without its check digit, or hold one with it. */
function holdsIdentity(digits: string): boolean {
  for (let at = 0; at + identityLength <= digits.length; at += 1)
    if (isIdentityNumber(digits.slice(at, at + identityLength))) return true;
  return digits.length < identityLength && isIdentityNumber(digits);
}
