import { createPublicKey, hash, type KeyObject, verify } from "node:crypto";

/** What is wrong with an event; nothing if it is as it should be. */
export type ChainProblem = "not an event" | "link" | "key" | "signature";

export interface Checked<Tag> {
  readonly tag: Tag;
  readonly sequence: number;
  readonly problem: ChainProblem | undefined;
}

export interface ChainCheck<Tag> {
  /**
   * Takes an event as it was published. Gives those that can be judged now, in order: an event waits for the ones
   * before it. A repeat of an earlier sequence gives nothing.
   */
  add(bytes: Uint8Array, tag: Tag): readonly Checked<Tag>[];
  /** Events that wait for one before them. */
  waitingCount(): number;
  repeatCount(): number;
}

interface Fields {
  readonly sequence?: unknown;
  readonly previous?: unknown;
  readonly signature?: unknown;
  readonly type?: unknown;
  readonly data?: { readonly key?: { readonly x?: unknown } };
}

const epochType = "org.sortgate.epoch.v1";

/**
 * Judges events one by one as they come, from the first of a chain on: signature by the key of the current epoch, link
 * to the event before, sequence without a gap.
 *
 * It shares no code with the gateway: it does what a subscriber in any language has to do, with the events alone. Who
 * is behind the keys it does not ask; that is for `sortgate verify --trust`.
 *
 * Takes:   published bytes, which are in canonical form.
 * Cost:    one Ed25519 verification (70 µs) an event.
 * Fails:   never, whatever the bytes are.
 * Source:  RFC 7515 appendix F for the detached signature, RFC 7638 for the name of the key, RFC 8785 §3.2.3: members
 *          are sorted, so that `signature` stands behind `data` and before members that cannot hold its name.
 */
export function createChainCheck<Tag>(): ChainCheck<Tag> {
  const waiting = new Map<number, { readonly bytes: Uint8Array; readonly fields: Fields; readonly tag: Tag }>();
  let nextSequence = 1;
  let previous = "A".repeat(43);
  let key: { readonly object: KeyObject; readonly kid: string } | undefined;
  let repeatCount = 0;

  const judge = (bytes: Uint8Array, fields: Fields): ChainProblem | undefined => {
    if (fields.type === epochType) key = readKey(fields.data?.key?.x);
    const linked = fields.previous === previous;
    previous = hash("sha256", bytes, "base64url");
    if (!linked) return "link";
    if (key === undefined) return "key";
    return checkSignature(Buffer.from(bytes).toString("utf8"), fields.signature, key);
  };

  return {
    add(bytes, tag) {
      const fields = readFields(bytes);
      const sequence = Number(fields?.sequence);
      if (fields === undefined || !Number.isSafeInteger(sequence) || sequence < 1) {
        return [{ tag, sequence: 0, problem: "not an event" }];
      }
      if (sequence < nextSequence || waiting.has(sequence)) {
        repeatCount += 1;
        return [];
      }
      waiting.set(sequence, { bytes, fields, tag });
      const checked: Checked<Tag>[] = [];
      for (let next = waiting.get(nextSequence); next !== undefined; next = waiting.get(nextSequence)) {
        waiting.delete(nextSequence);
        checked.push({ tag: next.tag, sequence: nextSequence, problem: judge(next.bytes, next.fields) });
        nextSequence += 1;
      }
      return checked;
    },
    waitingCount: () => waiting.size,
    repeatCount: () => repeatCount,
  };
}

function readFields(bytes: Uint8Array): Fields | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

function readKey(x: unknown): { object: KeyObject; kid: string } | undefined {
  if (typeof x !== "string" || !/^[A-Za-z0-9_-]{43}$/.test(x)) return undefined;
  const object = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return { object, kid: hash("sha256", `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`, "base64url") };
}

function checkSignature(
  text: string,
  signature: unknown,
  key: { readonly object: KeyObject; readonly kid: string },
): ChainProblem | undefined {
  if (typeof signature !== "string") return "signature";
  const [header = "", payload, bytes = ""] = signature.split(".");
  const member = `,"signature":"${signature}"`;
  const at = text.lastIndexOf(member);
  if (payload !== "" || at === -1) return "signature";
  const expected = Buffer.from(`{"alg":"Ed25519","kid":"${key.kid}","typ":"sortgate-event+jws"}`).toString("base64url");
  if (header !== expected) return "key";
  const signed = text.slice(0, at) + text.slice(at + member.length);
  const input = Buffer.from(`${header}.${Buffer.from(signed).toString("base64url")}`);
  return verify(null, input, key.object, Buffer.from(bytes, "base64url")) ? undefined : "signature";
}
