import type { Json } from "../model/event.ts";
import type { MemberOf } from "../model/event-fields.ts";
import type { FirstRead, Pass } from "../model/observation.ts";
import type { EpochMs } from "../model/units.ts";
import type { Verdict } from "./classify.ts";
import type { Found } from "./detect/find.ts";
import type { Search } from "./detect/search.ts";
import { classOf, type Field, type FieldKind, isFree, type Label } from "./label/field.ts";
import { normalized } from "./label/normalized.ts";
import { type MaskPreset, maskValue } from "./mask.ts";
import { samePiece } from "./same-piece.ts";
import type { Sealing } from "./sealing.ts";
import type { GuardSettings } from "./settings.ts";
import type { TokenKeys } from "./tokens.ts";

/** What becomes of what a label holds, by the classes of the founding documents. */
export type Policy = Pick<GuardSettings, "core" | "basic" | "public">;

/** The policy of a read point: its own where it has one, else that of all. */
export function policiesOf(settings: GuardSettings): (readPoint: string) => Policy {
  const { core, basic, public: open } = settings;
  const own = new Map(
    settings.policy.map((policy): [string, Policy] => [
      policy.read_point,
      { core: policy.core ?? core, basic: policy.basic ?? basic, public: policy.public ?? open },
    ]),
  );
  return (readPoint) => own.get(readPoint) ?? { core, basic, public: open };
}

/** What becomes `data` of an event; a member that is not listed in `event-fields.ts` does not compile. */
export type Data = { -readonly [Name in MemberOf<"read"> | MemberOf<"pass">]?: Json };

export interface Tools {
  readonly tokens: TokenKeys;
  readonly masks: MaskPreset;
  /** Absent where the site seals nothing. */
  readonly sealing: Sealing | undefined;
}

/** Of one label no more pieces are told. */
const piecesMax = 16;
/** As many as there are fields; no label that sorts parcels shows more of persons. */
const foundMax = 64;
/** Parts of addresses are looked for among so many pieces: each find is held against each of them. */
const partsMax = 32;

/**
 * Adds to an event what a policy makes of a code that may not leave as it is: masks, tokens, a sealed blob.
 *
 * Nothing is added by the default policy: core data are dropped, and a number that was cleared leaves in clear.
 * Where sealing has no key, what was to be sealed is dropped.
 */
export function addProtected(
  data: Data,
  verdict: Verdict,
  policy: Policy,
  observation: FirstRead | Pass,
  tools: Tools,
): void {
  const { core: all, free, covers } = policy.core === "drop" ? nothing : personalOf(verdict);
  const core = all.slice(0, piecesMax);
  const basic: Field[] =
    verdict.code === undefined
      ? []
      : [{ kind: verdict.codeClass === "sscc" ? "sscc" : "waybill", value: verdict.code }];
  const masked = [...(policy.basic === "mask" ? basic : []), ...(policy.core === "mask" ? core : [])];
  if (masked.length > 0) data.masked = masked.map((field) => maskOf(field, covers, tools.masks));
  if (policy.core === "token" && core.length > 0) data.tokens = core.map((field) => tokenOf(field, observation, tools));
  const secret = [...(policy.basic === "seal" ? basic : []), ...(policy.core === "seal" ? [...all, ...free] : [])];
  const sealed = secret.length === 0 ? undefined : tools.sealing?.seal(secret, observation.passId);
  if (sealed !== undefined) data.sealed = sealed;
}

interface Personal {
  readonly core: readonly Field[];
  /** What nobody can tell the meaning of. */
  readonly free: readonly Field[];
  /** Texts of which a mask shows nothing, whatever was found in them; normalized. */
  readonly covers: readonly string[];
}

const nothing: Personal = { core: [], free: [], covers: [] };

/** What is called so looks like a telephone at times, as the old identity numbers of 15 digits do. */
const covered: ReadonlySet<FieldKind> = new Set(["identity", "card", "account", "birth", "secret"]);

/** A mask of one piece: nothing of it, as of a password, where it stands in what is called one. */
function maskOf({ kind, value }: Field, covers: readonly string[], masks: MaskPreset): Json {
  const plain = normalized(value);
  return { kind, text: maskValue(covers.some((text) => text.includes(plain)) ? "secret" : kind, value, masks) };
}

function personalOf({ person, search, code }: Verdict): Personal {
  if (person !== undefined) return { ...nothing, core: [person] };
  return search === undefined ? nothing : likeliest(search, code);
}

/** Of several readings that one in which most makes sense; else the likeliest by its encoding. */
function likeliest(search: Search, cleared: string | undefined): Personal {
  const all = search.labels.map((label) => personalIn(search, label, cleared));
  return all.reduce((best, one) => (one.core.length > best.core.length ? one : best), all[0] ?? nothing);
}

/** Of these a name alone tells where one begins, and a detector where it ends. */
const ended: ReadonlySet<FieldKind> = new Set(["phone", "identity", "card", "email"]);

/** What is core data of a reading of a label: by the names of its fields, and by detectors within all of them. */
function personalIn(search: Search, label: Label, cleared: string | undefined): Personal {
  const free = label.fields.flatMap(({ kind, value }) => (isFree(kind) ? [{ kind: "free" as const, value }] : []));
  const found = new Map<string, Field>();
  const add = (kind: FieldKind, value: string): void => {
    if (found.size < foundMax) found.set(keyOf(kind, value), { kind, value });
  };
  for (const field of label.fields) {
    const { kind, value } = field;
    const shown = search.visible(value);
    if (shown === "" || value === cleared) continue;
    // A name without a letter is something else that stands in its place.
    const isNamed = classOf[kind] === "core" && !isFree(kind) && (kind !== "name" || /\p{L}/u.test(shown));
    const { text, findings } = search.findIn(field, label);
    // What stands beside a telephone in one field is no part of it, and in its place there may be something else.
    const isAmong =
      ended.has(kind) &&
      (findings.some((one) => one.kind === kind) ? hasMore(text, findings) : isOther(kind, findings));
    if (isAmong) free.push({ kind: "free", value: shown });
    else if (isNamed) add(kind, shown);
    for (const { kind: inner, start, end } of findings) {
      if (found.size >= foundMax) break;
      const piece = text.slice(start, end);
      // Of an address that separators cut apart the whole counts, not what was found in a part of it.
      if (kind === "item" && found.size <= partsMax)
        for (const one of found.values()) if (isPart(one, inner, piece)) found.delete(keyOf(one.kind, one.value));
      if (!isNamed || isAmong || inner !== kind) add(inner, piece);
    }
  }
  const rest = search.findInAll(label);
  for (const { kind, start, end } of rest.findings) add(kind, rest.text.slice(start, end));
  const covers = label.fields.filter(({ kind }) => covered.has(kind)).map(({ value }) => normalized(value));
  // Of a label that is cut nobody knows what all of its pieces are called.
  covers.push(rest.text);
  return { core: [...found.values()], free, covers };
}

/** A card of seventeen digits or more in groups of four: the sixteen before may have a check digit by chance. */
const longCard = /^\s*\d{4}([ -])\d{4}\1\d{4}\1\d{4}\1\d{1,3}\s*$/;

/** Whether text holds more than one thing of somebody's: two that were found, or one and words or numbers beside it. */
function hasMore(text: string, findings: Found["findings"]): boolean {
  const [first] = findings;
  if (first === undefined || findings.length > 1) return true;
  if (first.kind === "card" && longCard.test(text)) return false;
  return /[\p{L}\p{N}]/u.test(text.slice(0, first.start) + text.slice(first.end));
}

/** Whether what is called a telephone is the number of a person or of a card, of which no digit is shown. */
function isOther(kind: FieldKind, findings: Found["findings"]): boolean {
  return kind === "phone" && findings.some((one) => one.kind === "identity" || one.kind === "card");
}

function keyOf(kind: FieldKind, value: string): string {
  return `${kind} ${value}`;
}

function isPart({ kind, value }: Field, inner: FieldKind, piece: string): boolean {
  return kind === inner && piece.includes(value);
}

const dayMs = 86_400_000;
/** As what a number may have been read: the parcel's, a code of no known shape, or a piece of a label. */
const numberClasses = ["waybill", "sscc", "epc", "unknown", "gs1"] as const;
/** As what else it may stand on a label. */
const pieceKinds = ["phone", "identity", "card", "account", "email", "birth", "secret", "name", "address"] as const;

/**
 * The tokens of a number, today's and yesterday's, as whatever it was read: those of days before nobody can make any more.
 *
 * A parcel's number is looked for in capitals and in small letters, for a scanner may give either. A telephone with an
 * extension is a number of its own: the telephone alone does not name it.
 */
export function tokensOfNumber(number: string, now: EpochMs, tokens: TokenKeys): string[] {
  const spellings = [...new Set([number, number.toUpperCase(), number.toLowerCase()])];
  return [now, now - dayMs].flatMap((at) => [
    ...numberClasses.flatMap((codeClass) => spellings.map((one) => tokens.token(codeClass, Buffer.from(one), at))),
    ...pieceKinds.map((kind) => tokens.token(kind, Buffer.from(samePiece({ kind, value: number })), at)),
  ]);
}

/** A token of one piece: the same for the same piece on the same day, however it is written. */
function tokenOf({ kind, value }: Field, { firstReadAt }: FirstRead | Pass, { tokens }: Tools): Json {
  return { kind, token: tokens.token(kind, Buffer.from(samePiece({ kind, value })), firstReadAt) };
}
