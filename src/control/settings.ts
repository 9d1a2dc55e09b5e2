import { isIP } from "node:net";
import { z } from "zod";

/** `[control]` of the config file. */
export const controlSettings = z
  .strictObject({
    socket: z
      .string()
      .regex(/^\/.{1,106}$/, "an absolute path of at most 107 characters")
      .default("/run/sortgate/control.sock")
      .describe("Unix socket over which commands talk to the daemon"),
    http: z
      .string()
      .regex(
        /^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\]|localhost):\d{1,5}$/,
        'address:port, for example "127.0.0.1:9477"',
      )
      .refine((text) => Number(text.slice(text.lastIndexOf(":") + 1)) <= 65_535, "a port from 0 to 65535")
      .refine((text) => {
        const host = text.slice(0, text.lastIndexOf(":")).replace(/^\[|\]$/g, "");
        return host === "localhost" || isIP(host) !== 0;
      }, "an address of this machine, such as 127.0.0.1 or [::1]")
      .optional()
      .describe("Address for /metrics, /healthz and /readyz; absent: not served"),
    http_allow_remote: z
      .boolean()
      .default(false)
      .describe("Allow an http address that other machines can reach; it needs no password"),
    reveals_max: z
      .int()
      .min(0)
      .max(10_000)
      .default(1_000)
      .describe("Different numbers in clear that one person may be given before an alarm; 0: not watched"),
  })
  .superRefine((control, context) => {
    if (control.http === undefined || control.http_allow_remote) return;
    if (!/^(127\.|\[::1\]|localhost)/.test(control.http))
      context.addIssue({ code: "custom", path: ["http"], message: "a loopback address, or http_allow_remote = true" });
  });

export type ControlSettings = z.infer<typeof controlSettings>;
