import type { Command } from "commander";
import type { Output } from "../output.ts";

/** Adds one command to the program: its description, options, help and action. */
export type AddCommand = (program: Command, output: Output) => void;

/**
 * Every command, in the order of the help. A module is loaded only when its command is asked for, or to list all of
 * them: a quick command does not pay for what a slow one needs.
 */
export const commands: Readonly<Record<string, () => Promise<AddCommand>>> = {
  init: async () => (await import("./init.ts")).addInit,
  check: async () => (await import("./check.ts")).addCheck,
  run: async () => (await import("./run.ts")).addRun,
  devices: async () => (await import("./devices.ts")).addDevices,
  probe: async () => (await import("./probe.ts")).addProbe,
  watch: async () => (await import("./watch.ts")).addWatch,
  status: async () => (await import("./status.ts")).addStatus,
  queue: async () => (await import("./queue.ts")).addQueue,
  policy: async () => (await import("./policy.ts")).addPolicy,
  order: async () => (await import("./order.ts")).addOrder,
  erase: async () => (await import("./erase.ts")).addErase,
  keys: async () => (await import("./keys.ts")).addKeys,
  verify: async () => (await import("./verify.ts")).addVerify,
  open: async () => (await import("./open.ts")).addOpen,
  simulate: async () => (await import("./simulate.ts")).addSimulate,
  demo: async () => (await import("./demo.ts")).addDemo,
  version: async () => (await import("./version.ts")).addVersion,
};
