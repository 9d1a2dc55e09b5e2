import type { KeyObject } from "node:crypto";
import { type PublicJwk, publicKeyOf, thumbprint } from "../jws.ts";

/** The public keys that `epoch` events brought. A name is the key's thumbprint, so a key cannot pass for another. */
export interface KeyRing {
  /** A small number for a key's name, the same for the same name; 0 for what cannot be the name of a key. */
  numberOf(kid: string): number;
  /** Takes a key in and gives its name. */
  add(key: PublicJwk): string;
  find(kid: string): KeyObject | undefined;
}

/** Key objects at hand; a chain has one a day and one a start, so only a hostile file has more. */
const objectsMax = 4_096;

/** Keys by name; beyond 4,096 of them a key object is made again when it is used. */
export function createKeyRing(): KeyRing {
  const numbers = new Map<string, number>();
  const keys = new Map<string, PublicJwk>();
  const objects = new Map<string, KeyObject>();
  return {
    numberOf(kid) {
      if (kid.length !== 43) return 0;
      const number = numbers.get(kid) ?? numbers.size + 1;
      numbers.set(kid, number);
      return number;
    },
    add(key) {
      const kid = thumbprint(key);
      keys.set(kid, key);
      return kid;
    },
    find(kid) {
      const known = objects.get(kid);
      if (known !== undefined) return known;
      const object = publicKeyOf(keys.get(kid))?.object;
      if (object === undefined) return undefined;
      if (objects.size === objectsMax) objects.clear();
      objects.set(kid, object);
      return object;
    },
  };
}
