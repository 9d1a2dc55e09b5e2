import { z } from "zod";
import { deviceKeys, hostFault, streamKeys, streamProfileNames } from "../../src/driver/settings.ts";

/** A `[[device]]` with `driver = "tcp"`. */
export const tcpSettings = z.strictObject({
  ...deviceKeys,
  ...streamKeys,
  driver: z.literal("tcp"),
  mode: z
    .enum(["connect", "listen"])
    .default("connect")
    .describe("connect: we call the scanner; listen: the scanner calls us at host and port"),
  host: z
    .string()
    .regex(/^[A-Za-z0-9.:_-]{1,253}$/, "a host name or an address")
    .superRefine((host, context) => {
      const message = hostFault(host);
      if (message !== undefined) context.addIssue({ code: "custom", message });
    })
    .describe("connect: address of the scanner; listen: address of this box to listen on"),
  port: z.int().min(1).max(65_535),
  profile: z.enum(streamProfileNames),
});

export type TcpSettings = z.infer<typeof tcpSettings>;
