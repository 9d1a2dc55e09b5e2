import type { EventKind } from "../../model/event.ts";
import { verifyEvent } from "../jws.ts";
import { type CapturedEvent, readLine } from "./captured.ts";
import { epochKeyOf } from "./endorsement.ts";
import { createKeyRing } from "./keyring.ts";

/** What an event says of itself. */
export interface EventPlace {
  readonly chain: string;
  readonly sequence: number;
  readonly kind: EventKind;
  readonly subject: string | undefined;
}

/** Judges events one by one, where their neighbours are not there to vouch for them. */
export interface EventCheck {
  /** Undefined if the bytes are no event as it was published. */
  read(bytes: Uint8Array): EventPlace | undefined;
  /** Takes in the key that an epoch event brings. */
  learn(bytes: Uint8Array): void;
  /** Whether a key that was learned has signed exactly these bytes. Cost: 0.1 ms. */
  isSigned(bytes: Uint8Array): boolean;
}

const kindOfType = /^org\.sortgate\.([a-z]+)\.v1$/;

function eventOf(bytes: Uint8Array): CapturedEvent | undefined {
  const captured = readLine(Buffer.from(bytes).toString("utf8"));
  return captured.kind === "event" && captured.event.isCanonical ? captured.event : undefined;
}

export function createEventCheck(): EventCheck {
  const keys = createKeyRing();
  return {
    read(bytes) {
      const event = eventOf(bytes);
      const kind = kindOfType.exec(event?.type ?? "")?.[1];
      if (event === undefined || kind === undefined) return undefined;
      const { subject } = event.members;
      const { chain, sequence } = event;
      return { chain, sequence, kind: kind as EventKind, subject: typeof subject === "string" ? subject : undefined };
    },
    learn(bytes) {
      const key = epochKeyOf(eventOf(bytes)?.data ?? null);
      if (key !== undefined) keys.add(key.jwk);
    },
    isSigned(bytes) {
      const event = eventOf(bytes);
      if (event?.signature.kind !== "ed25519") return false;
      const key = keys.find(event.signature.kid);
      return key !== undefined && verifyEvent(event.payload, event.signature.header, event.signature.bytes, key);
    },
  };
}
