import { execFileSync } from "node:child_process";
import type { Defer } from "./defer.ts";

/** A network namespace with one cable to this machine; rules and faults stay inside, and go with it. */
export interface Namespace {
  /** This machine's address on the cable: brokers listen there. */
  readonly hostAddress: string;
  /** A prefix that runs a program in the namespace. */
  readonly inside: readonly string[];
  /** Adds or deletes a rule of the namespace's own firewall. */
  rule(add: "-A" | "-D", ...rule: string[]): void;
  link(state: "up" | "down"): void;
}

let lastNumber = 0;

/** Makes a namespace whose name and addresses no other run has. */
export function openNamespace(defer: Defer): Namespace {
  lastNumber += 1;
  const id = `${process.pid.toString(36)}${lastNumber}`;
  const name = `sortgate-${id}`;
  const [cable, far] = [`sg${id}`, `sf${id}`];
  // 198.18.0.0/15 is for tests of networks (RFC 2544), so no real network here has these addresses.
  const [high, low] = [process.pid % 250, lastNumber * 4];
  const [hostAddress, address] = [`198.18.${high}.${low + 1}`, `198.18.${high}.${low + 2}`];
  const ip = (...args: string[]): void => {
    execFileSync("ip", args);
  };
  ip("netns", "add", name);
  // The cable goes with the namespace, because one of its ends lies there.
  defer(() => ip("netns", "delete", name));
  ip("link", "add", cable, "type", "veth", "peer", "name", far, "netns", name);
  ip("addr", "add", `${hostAddress}/30`, "dev", cable);
  ip("link", "set", cable, "up");
  ip("-n", name, "addr", "add", `${address}/30`, "dev", far);
  ip("-n", name, "link", "set", far, "up");
  ip("-n", name, "link", "set", "lo", "up");
  return {
    hostAddress,
    inside: ["ip", "netns", "exec", name],
    rule(add, ...rule) {
      runInsideSync("iptables", name, add, ...rule);
    },
    link(state) {
      ip("-n", name, "link", "set", far, state);
    },
  };
}

function runInsideSync(program: string, namespace: string, ...args: string[]): void {
  execFileSync("ip", ["netns", "exec", namespace, program, ...args]);
}
