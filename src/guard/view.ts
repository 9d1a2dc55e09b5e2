import { brandView, type EventKind, type Json, type View } from "../model/event.ts";
import type { ListedKind, MemberOf } from "../model/event-fields.ts";
import type { EpochMs } from "../model/units.ts";
import { maskValue } from "./mask.ts";
import { type SuiteName, suiteOf } from "./suites/index.ts";
import { createTokenKeys, type TokenKeys } from "./tokens.ts";

/** What one broker may see of the events that others get whole. */
export interface ViewPolicy {
  /** What becomes of the parcel's number. */
  readonly basic: "clear" | "mask" | "token" | "drop";
  /** What becomes of routing and service codes. */
  readonly public: "clear" | "drop";
  /** Read points whose parcels it sees; absent: all. */
  readonly read_points?: readonly string[] | undefined;
}

type Members = { readonly [member: string]: Json };

/** An event of the chain, as it stands there. */
export interface WholeEvent {
  readonly kind: EventKind;
  readonly subject?: string | undefined;
  readonly time?: string | undefined;
  readonly data: Members;
}

/** What a view may hold, by kind of event. Whatever is not named here stays here: a new member is nobody's by itself. */
const shown: { readonly [Kind in EventKind]?: Kind extends ListedKind ? readonly MemberOf<Kind>[] : never } = {
  read: ["clock", "codeClass", "firstReadAt", "medium", "passId", "readPoint"],
  pass: [
    "clock",
    "closeReason",
    "codeClass",
    "firstReadAt",
    "lastReadAt",
    "medium",
    "passId",
    "readCount",
    "readPoint",
  ],
  noread: ["clock", "medium", "readPoint"],
  checkpoint: ["root", "size"],
  gap: ["chain", "count", "from", "reason", "sequences", "to"],
  purge: ["count", "from", "reason", "sequences", "to"],
};

/** Which events went: those that went together belong together, here and where a viewer may not look. */
const places: ReadonlySet<string> = new Set(["chain", "from", "sequences", "to"]);
const none: ReadonlySet<string> = new Set();

export interface Views {
  of(event: WholeEvent): View;
  /** Erases keys that are too old; each view does that too, so only an idle line needs the call. */
  expire(): void;
}

/**
 * Makes the views of one broker: the only maker of them.
 *
 * What a label holds beside the number and its routing is in no view, whatever the policy: neither masks nor tokens nor
 * sealed blobs. Tokens are made under day keys of this broker's own, in memory: two brokers cannot compare theirs.
 * Cost:  one HMAC a read.
 */
export function createViews(policy: ViewPolicy, crypto: SuiteName, now: () => EpochMs): Views {
  const tokens = createTokenKeys(now, { suite: suiteOf(crypto) });
  const points = policy.read_points && new Set(policy.read_points);
  function of({ kind, subject, time, data }: WholeEvent): View {
    const members: readonly string[] | undefined = shown[kind];
    const isParcel = kind === "read" || kind === "pass" || kind === "noread";
    const isElsewhere = isParcel && points !== undefined && !points.has(subject ?? "");
    if (members === undefined || isElsewhere) return brandView({ kind: "view", data: {} });
    const hidden = isOfSomebody(data) ? places : none;
    const left = Object.fromEntries(
      members.flatMap((name) => (data[name] === undefined || hidden.has(name) ? [] : [[name, data[name]]])),
    );
    if (!isParcel) return brandView({ kind, time, data: left });
    const parcel = { ...left, ...numberOf(data, policy, tokens), ...routingOf(data, policy) };
    return brandView({ kind, subject, time, data: parcel });
  }

  return { of, expire: tokens.expire };
}

/** An erasure goes by parcel, or by what labels hold of persons; all else that is destroyed or lost goes by time. */
function isOfSomebody({ reason }: Members): boolean {
  return reason === "erased" || reason === "core-expired";
}

/** The parcel's number, or what stands for it; of one that the gateway itself keeps to itself, a token of its token. */
function numberOf(data: Members, { basic }: ViewPolicy, tokens: TokenKeys): Members {
  const { code, token, codeClass, firstReadAt } = data;
  const number = typeof code === "string" ? code : undefined;
  const known = number ?? token;
  if (basic === "drop" || typeof known !== "string" || typeof codeClass !== "string") return {};
  if (basic === "clear" && number !== undefined) return { code: number };
  if (basic === "mask") {
    const kind = codeClass === "sscc" ? "sscc" : "waybill";
    return number === undefined ? {} : { masked: [{ kind, text: maskValue(kind, number, "gbt41833") }] };
  }
  return { token: tokens.token(codeClass, Buffer.from(known), Date.parse(String(firstReadAt))) };
}

function routingOf({ label, carriers }: Members, policy: ViewPolicy): Members {
  if (policy.public === "drop") return {};
  return { ...(carriers === undefined ? {} : { carriers }), ...(label === undefined ? {} : { label }) };
}
