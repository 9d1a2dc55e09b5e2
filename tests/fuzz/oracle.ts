import { createGuard, createTokenKeys, type Guard } from "../../src/guard/index.ts";
import { carrierNames, type GuardSettings, guardSettings } from "../../src/guard/settings.ts";
import type { Json } from "../../src/model/event.ts";
import type { FirstRead } from "../../src/model/observation.ts";
import { canonicalize } from "../../src/seal/index.ts";

/** A code as a device reads it. */
export interface Code {
  readonly bytes: Buffer;
  readonly medium: "barcode" | "rfid";
  readonly symbology: string | undefined;
  /** What was planted in it last, and the code as it was before. */
  readonly planted?: { readonly secret: string; readonly around: Buffer };
}

/** What is planted: no four characters of any of them stand in an event that has nothing of them in it. */
export const secrets = [
  "13857341962",
  "18657914683",
  "+49-176-5839-4716",
  "0571-86759347",
  "Wilhelmina Quistgaard",
  "KVAERNHOLT",
  "欧阳翠嫣",
  "q.haversack@xylo.example",
  "文晖路731号9幢2单元706室",
  "1847 Quillfeather Blvd",
  "330106198704103759",
];

const clock = { boot: "9f0c3a1e", synced: true };
const noon = Date.UTC(2026, 10, 23, 12, 0, 0, 121);

function aGuard(policy: Partial<GuardSettings>): Guard {
  const settings = { ...guardSettings.parse({ carriers: [...carrierNames] }), ...policy };
  return createGuard({ settings, tokens: createTokenKeys(() => noon) });
}

/** Sealing adds bytes that are noise by design: its tests stand in `tests/guard/protect.test.ts`. */
const guards = [aGuard({}), aGuard({ core: "mask", basic: "mask" }), aGuard({ core: "token", basic: "token" })];

/**
 * Says what is wrong with what the guard makes of a code; undefined if nothing is.
 *
 * Nothing may be thrown; the event must have one spelling, and be what that spelling says; and no four characters of a
 * planted secret may stand in it, unless they stood in the code before it was planted. Of a number that leaves in clear
 * four digits are anybody's: it must not be the whole telephone, with or without the code of its country and an extension.
 */
export function faultOf({ bytes, medium, symbology, planted }: Code): string | undefined {
  for (const [index, guard] of guards.entries()) {
    const observation: FirstRead = {
      ...{ kind: "first-read", passId: "9f0c3a1e-42", readPoint: "tunnel-x", device: "scanner-x", medium, symbology },
      ...{ code: Buffer.from(bytes), firstReadAt: noon, at: noon + 2, monotonicMs: 5_555.5, antenna: 1, rssiDbm: -55 },
    };
    try {
      const event = guard.clear(observation, clock, true);
      if ("refused" in event) return "it is refused, though nothing is dropped here";
      const spelling = canonicalize(event.data as Json);
      if (canonicalize(JSON.parse(spelling) as Json) !== spelling) return "its spelling is not what it says";
      const fault = planted === undefined ? undefined : leakIn(event.data, planted);
      if (fault !== undefined) return `${fault} (policy ${index})`;
    } catch (error) {
      return `it throws: ${error instanceof Error ? error.message : String(error)}`;
    }
  }
  return undefined;
}

/** Members that are noise, counts, times, or looked at by themselves. */
const apart: ReadonlySet<string> = new Set("token tokens code epcUri firstReadAt length masked".split(" "));

type Planted = NonNullable<Code["planted"]>;

function leakIn(data: Readonly<Record<string, Json>>, { secret, around }: Planted): string | undefined {
  const { code, masked = [] } = data;
  const masks = (masked as { kind: string; text: string }[]).filter(
    ({ kind }) => kind !== "waybill" && kind !== "sscc",
  );
  const said = Object.entries(data).filter(([name]) => !apart.has(name));
  const text = JSON.stringify([said, masks]);
  for (let at = 0; at + 4 <= secret.length; at += 1) {
    const piece = secret.slice(at, at + 4);
    if (text.includes(piece) && !around.includes(piece))
      return `${JSON.stringify(piece)} of a secret stands in ${text}`;
  }
  const digits = secret.replace(/\W/g, "");
  const isTelephone = digits.length >= 11 && new RegExp(`^(?:00)?(?:86)?${digits}\\d{0,4}$`).test(String(code));
  return isTelephone ? `the number of the parcel is the telephone ${JSON.stringify(code)}` : undefined;
}
