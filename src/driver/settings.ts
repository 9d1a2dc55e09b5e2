import { isIPv4, isIPv6 } from "node:net";
import { z } from "zod";

/** Digits and dots alone are an address or nothing: no network has a name like `10.1.4.300`. */
const likeIpv4 = /^[\d.]+$/;

/** What is wrong with a host, as what is allowed instead; nothing if it is an address or may be a name. */
export function hostFault(host: string): string | undefined {
  if (host.includes(":") && !isIPv6(host)) return "a host name or an address alone; the port has a key of its own";
  if (likeIpv4.test(host) && !isIPv4(host)) return "an IPv4 address has four numbers from 0 to 255, as 10.1.4.20";
  return undefined;
}

/** Keys that every `[[device]]` of the config file has, whatever its driver. */
export const deviceKeys = {
  name: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, - and _")
    .describe("Name of this device in events, commands and logs"),
  read_point: z.string().min(1).describe("Name of the read_point where it looks"),
};

/** Keys of devices whose profile decodes a stream of bytes. */
export const streamKeys = {
  no_read: z
    .array(z.string().min(1).max(64))
    .max(16)
    .optional()
    .describe('Texts that mean "no code seen"; replaces the list of the profile'),
  heartbeat: z
    .array(z.string().min(1).max(64))
    .max(16)
    .optional()
    .describe('Texts that mean "I am alive"; replaces the list of the profile'),
};

/** Profiles that decode a stream of bytes. */
export const streamProfileNames = ["line-barcode", "stx-etx-barcode", "line-rfid"] as const;
