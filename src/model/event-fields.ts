/**
 * Every member of every event, with its class and what it holds.
 *
 * 1. No event has a member that is not listed: what makes events compiles with listed names alone, and a test walks the
 *    events of a run.
 * 2. Core data stand in an event as a mask, a token or a sealed blob: a core member without one of these forms does not
 *    compile.
 *
 * `config/event-fields.json` is made of it. Paths: `.` leads into an object, `[]` into a list, `*` stands for any name.
 * A list or an object that is empty has no path of its own.
 */
import type { EventKind, Json } from "./event.ts";

/** The three classes of the founding documents, and what tells of the gateway alone. */
export type MemberClass = "core" | "basic" | "public" | "operational";

/** The only forms in which core data leave memory. */
type CoreForm = "mask" | "token" | "sealed";

export type Member =
  | { readonly class: Exclude<MemberClass, "core">; readonly holds: string }
  | { readonly class: "core"; readonly form: CoreForm; readonly holds: string };

type Members = { readonly [path: string]: Member };

const core = (form: CoreForm, holds: string): Member => ({ class: "core", form, holds });
const basic = (holds: string): Member => ({ class: "basic", holds });
const open = (holds: string): Member => ({ class: "public", holds });
const own = (holds: string): Member => ({ class: "operational", holds });

const clock = {
  "clock.boot": own("the run that made it"),
  "clock.monotonicMs": own("when it was made, on the clock of that run"),
  "clock.synced": own("whether a time server set the clock"),
} as const satisfies Members;

const place = {
  ...clock,
  device: own("the reader by its name in the config"),
  medium: open("barcode or rfid"),
  readPoint: open("the read point by its name in the config"),
} as const satisfies Members;

const parcel = {
  ...place,
  "carriers[]": open("carriers that number so"),
  code: basic("the parcel's number"),
  codeClass: open("what the code is: waybill, sscc, epc, gs1, unknown"),
  epcUri: basic("the number of a tag as a URI"),
  firstReadAt: open("when it was read first"),
  "label.format": open("how the label is written"),
  "label.routing[]": open("where the parcel goes, as its carrier codes it"),
  "label.service": open("the service, as its carrier codes it"),
  length: own("bytes of a code that does not stand here"),
  "masked[].kind": own("what was masked"),
  "masked[].text": core("mask", "a piece of a person, or the parcel's number, with most of it hidden"),
  passId: own("joins the events of one pass"),
  "sealed.alg": own("how it was sealed"),
  "sealed.key": own("the content key by its name"),
  "sealed.nonce": own("the nonce"),
  "sealed.text": core("sealed", "pieces of a person and the parcel's number, for the centre alone"),
  symbology: own("AIM identifier of the code"),
  token: core("token", "stands for a code that does not leave: a parcel's number, or what may be anybody's"),
  "tokens[].kind": own("what the token stands for"),
  "tokens[].token": core("token", "stands for a piece of a person for one day"),
} as const satisfies Members;

/** Who asked for something through the control socket. */
const who = {
  by: own("login of the person who asked"),
  uid: own("number of the user who asked"),
  reason: own("name of a ticket, or one of a few fixed words"),
} as const satisfies Members;

const range = {
  from: own("the first, by sequence or time"),
  to: own("the last, by sequence or time"),
} as const satisfies Members;

/** An order of the centre. */
const order = {
  broker: own("the broker by its name in the config"),
  order: own("number of the order"),
  sha256: own("SHA-256 of the order"),
  subjects: own("how many persons it is about"),
  untold: own("how many more were refused meanwhile"),
} as const satisfies Members;

/** Members of `data`, by kind of event. */
export const eventFields = {
  read: {
    ...parcel,
    antenna: own("the antenna that saw it"),
    rssiDbm: own("how strong it was"),
  },
  pass: {
    ...parcel,
    "antennas[].antenna": own("an antenna that saw it"),
    "antennas[].readCount": own("how often"),
    "antennas[].rssiDbmPeak": own("how strong at most"),
    closeReason: own("why the pass ended"),
    "devices[]": own("readers that saw it"),
    lastReadAt: open("when it was read last"),
    readCount: own("how often it was read"),
  },
  noread: place,
  epoch: {
    config: own("SHA-256 of the config"),
    "gm.id": own("identity of the signer by SM2"),
    "gm.key": own("public SM2 key"),
    "gm.profile": own("which algorithms"),
    endorsement: own("the device key's signature of the new key"),
    "key.crv": own("curve of the new public key"),
    "key.kty": own("its type"),
    "key.x": own("the key"),
    keyStorage: own("where the device key lies"),
    reason: own("why a new key"),
    software: own("version of the program"),
  },
  checkpoint: {
    "counters.*": own("counts since the start"),
    "counters.brokers.*.*": own("what became of the events for each broker"),
    "counters.brokers.*.*.*": own("events lost for a broker, by reason"),
    "delivered.*": own("up to where each broker has all"),
    "gm.from": own("first event of a span of the SM3 chain"),
    "gm.previous": own("value of that chain before it"),
    "gm.profile": own("which algorithms"),
    "gm.signature": own("signature of the span by SM2"),
    "gm.sm3": own("value of that chain behind it"),
    "gm.to": own("last event of the span"),
    policy: own("SHA-256 of the policy in force"),
    policyKey: own("fingerprint of the key that signed it"),
    policyVersion: own("its version"),
    root: own("root of the Merkle log"),
    size: own("events so far"),
  },
  gap: {
    ...range,
    chain: own("the chain, where it is another one"),
    count: own("events that nobody will have"),
    device: own("the source that told of it"),
    reason: own("why nobody will have them"),
    "sequences[]": own("which, one by one"),
  },
  alarm: {
    ...who,
    ...order,
    alarm: own("what kind of alarm"),
    chain: own("chain of a damaged ledger"),
    count: own("numbers that somebody was given"),
    day: own("the UTC day"),
    file: own("a damaged ledger by its name"),
    found: own("what was damaged"),
    hours: own("hours until the ledger is full"),
    left: own("events still to be saved"),
    read: own("events that were read"),
    salvaged: own("events that were saved"),
    state: own("which way it changed"),
    stepMs: own("by how much the clock was set"),
    unreadable: own("events that cannot be read"),
  },
  audit: {
    ...who,
    ...range,
    ...order,
    action: own("what was done"),
    alg: own("how a content key is wrapped"),
    at: own("when a probe was"),
    byteCount: own("bytes that came during a probe"),
    damagedFiles: own("damaged ledgers from which nothing is erased"),
    confirmed: own("whether the limit was known to be passed"),
    count: own("events it was about"),
    device: own("the reader by its name in the config"),
    key: own("a content key by its name"),
    labelCount: own("labels that were seen"),
    "leaking[].count": own("labels of one kind that show core data"),
    "leaking[].format": own("how they are written"),
    "leaking[].kinds[]": own("kinds of what they show"),
    "leaking[].shipper": basic("the beginning of their numbers"),
    leakingCount: own("labels that show core data"),
    outcome: own("what came of a probe: shown, nothing, not-opened"),
    otherCount: own("those of them that are told by no row"),
    receiver: own("fingerprint of the centre's key"),
    revealedBefore: own("numbers that the same person was given before that day"),
    salvagedCount: own("saved events it was about"),
    subject: own("whether a token or a number was erased"),
    tokenDigest: own("SHA-256 of an erased token"),
    unreadableCount: own("events that could not be looked at"),
    wrapped: own("a content key, for the centre alone"),
  },
  device: {
    device: own("the reader by its name in the config"),
    reason: own("what happened to it"),
    state: own("up or down"),
  },
  purge: {
    ...range,
    count: own("events that were destroyed"),
    reason: own("why they went"),
    "sequences[]": own("which, one by one"),
  },
  /** Beside members of the event that it is a view of. */
  view: {
    "of.digest": own("SHA-256 of the event"),
    "of.id": own("id of the event"),
    "of.type": own("type of the event"),
    viewer: own("the broker that gets it"),
  },
} as const satisfies Readonly<Record<Exclude<EventKind, "erased">, Members>>;

/** Members of the envelope, which all events have. */
export const envelopeFields = {
  data: own("the members below"),
  datacontenttype: own("always JSON"),
  id: own("gateway, chain and sequence"),
  previous: own("SHA-256 of the event before"),
  sequence: own("place in the chain"),
  signature: own("signature of the gateway"),
  source: own("site and gateway"),
  specversion: own("version of CloudEvents"),
  subject: open("read point or device"),
  time: open("when it was made"),
  type: own("kind of event"),
} as const satisfies Members;

/** What each class is, for whoever reads the list by machine. */
const classes: Readonly<Record<MemberClass, string>> = {
  core: "names, reaches or locates a person, or may; leaves as a mask, a token or a sealed blob alone",
  basic: "the parcel's number, and the beginning of it",
  public: "state and way of a parcel, without its number",
  operational: "tells of the gateway and of who works with it",
};

/** The list as `config/event-fields.json`. */
export function eventFieldsJson(): Json {
  return { classes, envelope: envelopeFields, data: eventFields };
}

/** The kinds of event whose members are listed. */
export type ListedKind = keyof typeof eventFields;

/** The first name of a path. */
type Head<Path extends string> = Path extends `${infer First}.${string}`
  ? Head<First>
  : Path extends `${infer List}[]`
    ? List
    : Path;

/** The names of the members of one kind of event. */
export type MemberOf<Kind extends ListedKind> = Head<keyof (typeof eventFields)[Kind] & string>;

/** `data` of one kind of event. */
export type DataOf<Kind extends ListedKind> = { readonly [Name in MemberOf<Kind>]?: Json };

/** `data` of an event before its members are compared with the list. */
export type AnyData = { readonly [member: string]: Json };

type NamesIn<Data> = Data extends unknown ? keyof Data : never;

/** Takes the place of members of `data` that are listed nowhere: then it does not compile. */
export type Unlisted<Kind extends ListedKind, Data> = {
  readonly [Name in Exclude<NamesIn<Data>, MemberOf<Kind>>]?: never;
};
