import { z } from "zod";
import { deviceKeys, hostFault } from "../../src/driver/settings.ts";

const nodeId = z
  .string()
  .regex(
    /^(ns=\d+;|nsu=[^;]+;)?[isgb]=.+$/,
    'a node id such as "ns=2;s=Scanner.Code" or "nsu=http://example.org/UA;s=Code"',
  );

/** One `[[device.tag]]`: the values that one scanner publishes as plain nodes. */
const tagSettings = z.strictObject({
  code: nodeId.describe("Node that holds the code (String or ByteString)"),
  sequence: nodeId.describe("Node that counts up after each code was written; reads are driven by it"),
  sequence_max: z
    .int()
    .min(1)
    .max(4_294_967_295)
    .optional()
    .describe("The counter starts again at 0 after this value; without it, after the last number of its data type"),
});

/** A `[[device]]` with `driver = "opcua"`. */
export const opcuaSettings = z
  .strictObject({
    ...deviceKeys,
    driver: z.literal("opcua"),
    endpoint: z
      .string()
      .regex(/^opc\.tcp:\/\/[^\s/]+(:\d{1,5})?(\/\S*)?$/, "opc.tcp://host:port")
      .superRefine((endpoint, context) => {
        const host = /^opc\.tcp:\/\/(\[[^\]]*\]|[^:/]+)/.exec(endpoint)?.[1] ?? "";
        const message = hostFault(host.replace(/^\[|\]$/g, ""));
        if (message !== undefined) context.addIssue({ code: "custom", message });
      }),
    mode: z
      .enum(["autoid", "tags"])
      .default("autoid")
      .describe("autoid: events of OPC 30010 readers; tags: a code and a sequence node, as behind a PLC"),
    security: z
      .enum(["none", "sign", "sign-and-encrypt"])
      .default("sign-and-encrypt")
      .describe("Message security; none leaves codes readable on the network"),
    username: z.string().min(1).optional(),
    password_file: z.string().min(1).optional().describe("File that holds the password, one line"),
    server_cert_file: z
      .string()
      .min(1)
      .optional()
      .describe("The server's certificate (PEM or DER) that is trusted from the start"),
    scan_start: z
      .boolean()
      .default(false)
      .describe("autoid: call ScanStart after each connect, for readers that do not trigger themselves"),
    publishing_interval_ms: z.int().min(10).max(10_000).default(100),
    queue_size: z
      .int()
      .min(10)
      .max(100_000)
      .default(10_000)
      .describe("Events that the server keeps for us between two publishes"),
    tag: z.array(tagSettings).max(1).optional(),
    profile: z.enum(["opcua-autoid", "opcua-tags"]).optional().describe("Follows from mode"),
  })
  .superRefine((device, context) => {
    const explain = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    if (device.mode === "tags" && (device.tag === undefined || device.tag.length === 0))
      explain("mode", "a [[device.tag]] with code and sequence below the device");
    if (device.mode === "autoid" && device.tag !== undefined) explain("tag", '[[device.tag]] only with mode = "tags"');
    if (device.profile !== undefined && device.profile !== `opcua-${device.mode}`)
      explain("profile", `"opcua-${device.mode}" for this mode, or no profile at all`);
    if (device.password_file !== undefined && device.username === undefined)
      explain("password_file", "password_file only together with username");
  });

export type OpcuaSettings = z.infer<typeof opcuaSettings>;
