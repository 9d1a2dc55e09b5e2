import { bytesOf } from "../lib/bytes.ts";
import { brandCleared, type ClearedEvent, type Json } from "../model/event.ts";
import type { FirstRead, Observation, Pass } from "../model/observation.ts";
import type { EpochMs } from "../model/units.ts";
import { classify, type Verdict } from "./classify.ts";
import { leaksOf } from "./detect/leaks.ts";
import type { Search } from "./detect/search.ts";
import type { Extract } from "./extract.ts";
import { createLabelCounts, type LabelCounts, type SeenLabel } from "./label-counts.ts";
import { addProtected, type Data, type Policy, policiesOf, type Tools } from "./protect.ts";
import type { SealKey } from "./receiver.ts";
import type { Sealing } from "./sealing.ts";
import type { CarrierName, GuardSettings } from "./settings.ts";
import type { TokenKeys } from "./tokens.ts";

/** What an event says of the clocks behind it. */
export interface ClockState {
  /** The run that the monotonic time belongs to. */
  readonly boot: string;
  /** Whether the box's clock is set by a time server. */
  readonly synced: boolean;
}

export interface Guard {
  /**
   * Makes of an observation what may leave memory.
   *
   * Takes:   `isFirst`, whether it is the first that is told of a pass: its label is counted then.
   * Gives:   an event whose code is in clear only if its shape is configured and impersonal; else a token and its length.
   *          `{ refused }` for a code of no known shape where the site wants those dropped.
   * Cost:    linear in the code.
   * Fails:   never, whatever the bytes.
   * Loses:   refused codes; the caller counts them.
   */
  clear(observation: Observation, clock: ClockState, isFirst?: boolean): ClearedEvent | Refusal;
  /** What labels showed, see `createLabelCounts`. */
  readonly labels: Omit<LabelCounts, "note">;
  /** Whether there is a key to seal with; undefined where the site seals nothing. */
  isSealing(): boolean | undefined;
  /** The centre's key that is sealed to; undefined if there never was one. */
  sealKey(): SealKey | undefined;
}

interface Refusal {
  readonly refused: "dropped-unknown";
}

interface Materials {
  readonly settings: GuardSettings;
  readonly tokens: TokenKeys;
  /** Needed if a policy seals. */
  readonly sealing?: Sealing | undefined;
}

const refusal: Refusal = { refused: "dropped-unknown" };

/** AIM identifier (ISO/IEC 15424): a bracket, a letter, a modifier. Anything else is text from a label. */
const aimIdentifier = /^\][A-Za-z][0-9A-Za-z]$/;

/** Far beyond any receiver; keeps NaN, infinities and what overflows in rounding out of events. */
const strengthMaxDbm = 1_000;

/** The only maker of events from reads. */
export function createGuard({ settings, tokens, sealing }: Materials): Guard {
  const tools: Tools = { tokens, masks: settings.masks, sealing };
  const policyOf = policiesOf(settings);
  const labels = createLabelCounts();
  const configured: ReadonlySet<CarrierName> = new Set(settings.carriers);

  function clear(observation: Observation, clock: ClockState, isFirst = false): ClearedEvent | Refusal {
    const data: Data = {
      clock: { boot: clock.boot, monotonicMs: rounded(observation.monotonicMs, 1_000), synced: clock.synced },
      device: observation.device,
      medium: observation.medium,
      readPoint: observation.readPoint,
    };
    const { at, readPoint: subject } = observation;
    if (observation.kind === "no-read") return brandCleared({ kind: "noread", subject, at, data });

    const { code, medium, symbology } = observation;
    const verdict = classify(code, medium, symbology, configured);
    if (isFirst && verdict.search !== undefined)
      labels.note(seenLabel(verdict, verdict.search, policyOf(observation.readPoint)), observation.at);
    if (verdict.codeClass === "unknown" && settings.unknown === "drop") return refusal;
    addCode(data, verdict, policyOf(observation.readPoint), observation, tools);
    addPassFacts(data, observation);
    if (observation.kind === "first-read") {
      addFirstRead(data, observation);
      return brandCleared({ kind: "read", subject, at, data });
    }
    addSummary(data, observation);
    return brandCleared({ kind: "pass", subject, at, data });
  }

  return { clear, labels, isSealing: () => sealing?.isReady(), sealKey: () => sealing?.key() };
}

/** The first characters of a number, which carriers and GS1 give to one company: enough to ask who prints such labels. */
const shipperLength = { waybill: 4, sscc: 8 } as const;

function seenLabel(verdict: Verdict, search: Search, { basic }: Policy): SeenLabel {
  const { label } = verdict;
  return {
    format: label?.format ?? search.labels[0]!.format,
    shipper: basic === "clear" ? label?.code.slice(0, shipperLength[label.codeClass]) : undefined,
    leaks: leaksOf(search, verdict.code),
  };
}

/** The code itself if it is cleared and the policy lets it out, else what stands for it. Nothing else here touches the code. */
function addCode(data: Data, verdict: Verdict, policy: Policy, observation: FirstRead | Pass, tools: Tools): void {
  data.codeClass = verdict.codeClass;
  if (verdict.label !== undefined && policy.public === "clear") data.label = labelOf(verdict.label);
  if (verdict.codeClass === "waybill") data.carriers = verdict.carriers;
  if (verdict.code === undefined || policy.basic !== "clear") {
    // Of a number the token is that of the number, wherever it was read.
    const what = verdict.code === undefined ? observation.code : bytesOf(verdict.code);
    data.token = tools.tokens.token(verdict.codeClass, what, observation.firstReadAt);
    data.length = what.length;
  } else {
    data.code = verdict.code;
    if (verdict.codeClass === "epc") data.epcUri = verdict.epcUri;
  }
  addProtected(data, verdict, policy, observation, tools);
}

/** What else of a label may leave: how it is written, and where and how the parcel is to go. */
function labelOf({ format, routing, service }: Extract): Json {
  return { format, ...(routing.length > 0 ? { routing } : {}), ...(service === undefined ? {} : { service }) };
}

function addPassFacts(data: Data, { passId, firstReadAt, symbology }: FirstRead | Pass): void {
  data.passId = passId;
  data.firstReadAt = rfc3339(firstReadAt);
  if (symbology !== undefined && aimIdentifier.test(symbology)) data.symbology = symbology;
}

function addFirstRead(data: Data, { antenna, rssiDbm }: FirstRead): void {
  if (isCount(antenna)) data.antenna = antenna;
  if (isStrength(rssiDbm)) data.rssiDbm = rounded(rssiDbm, 10);
}

function addSummary(data: Data, pass: Pass): void {
  data.lastReadAt = rfc3339(pass.lastReadAt);
  data.readCount = pass.readCount;
  const shares = pass.antennas.filter(({ antenna }) => isCount(antenna));
  data.antennas = shares.map(({ antenna, readCount, rssiDbmPeak }) =>
    isStrength(rssiDbmPeak) ? { antenna, readCount, rssiDbmPeak: rounded(rssiDbmPeak, 10) } : { antenna, readCount },
  );
  data.devices = [...pass.devices];
  data.closeReason = pass.closeReason;
}

/** Strengths come from readers too; what no radio can measure is left out. */
function isStrength(value: number | undefined): value is number {
  return value !== undefined && Math.abs(value) <= strengthMaxDbm;
}

/** Antenna numbers come from readers; one that JSON cannot hold exactly is left out. */
function isCount(value: number | undefined): value is number {
  return value !== undefined && Number.isSafeInteger(value);
}

/** Rounds to one part in `parts`; readers and clocks give more digits than they mean. */
function rounded(value: number, parts: number): number {
  return Math.round(value * parts) / parts;
}

/** RFC 3339 in UTC with milliseconds. */
function rfc3339(at: EpochMs): string {
  return new Date(at).toISOString();
}
