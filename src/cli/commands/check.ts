import type { Command } from "commander";
import {
  type Config,
  type ConfigProblem,
  checkConfig,
  configDigest,
  type Judgement,
  problemText,
} from "../../config/index.ts";
import { inspectIdentity } from "../../identity/index.ts";
import { fingerprintText } from "../../lib/fingerprint.ts";
import { judgeOrders, orderKeyOf } from "../../orders/index.ts";
import { findPolicy, judgeCentreKey, judgePolicy, type Policy, sealKeyFacts } from "../../policy.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output, Tone } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { gmText, policyJson, policyRows } from "./policy.ts";

type Device = Config["devices"][number];

/** Where a device is reached, on one line. */
export function deviceAddress(device: Device): string {
  if (device.driver === "serial") return device.path;
  if (device.driver === "opcua") return device.endpoint;
  const address = `${device.host}:${device.port}`;
  return device.mode === "listen" ? `listens on ${address}` : address;
}

/** More would scroll the first ones away; --json tells all. */
const toldMax = 100;

function tell(problems: readonly ConfigProblem[], tone: Tone, output: Output): void {
  for (const problem of problems.slice(0, toldMax)) {
    output.line(problemText(problem), tone);
    for (const line of problem.excerpt ?? []) output.line(`    ${line}`);
    output.line(`  Try: ${problem.hint}`);
  }
  if (problems.length > toldMax) output.line(`… and ${problems.length - toldMax} more; --json tells all of them`);
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** What a view shows of a number that the policy itself keeps: of its token a token, and of nothing no mask. */
const ofKept = { clear: "token", mask: "drop", token: "token", drop: "drop" } as const;

/** What a view asks for, and what it gets instead at read points where the policy keeps that from all events. */
function gotten(asked: string, instead: string, kept: readonly string[], isEverywhere: boolean): string {
  if (kept.length === 0 || instead === asked) return asked;
  return isEverywhere
    ? `${instead} (not ${asked}: the policy keeps it)`
    : `${asked} (at ${kept.join(", ")} ${instead})`;
}

/** What a broker gets in the place of events, by the policy that the events are made by. */
function viewText(view: Config["brokers"][number]["view"], policies: ReturnType<typeof policyRows>): string {
  if (view === undefined) return "";
  const seen = policies.filter(([name = ""]) => view.read_points?.includes(name) ?? true);
  const keeping = (column: 2 | 3): string[] => seen.flatMap((row) => (row[column] === "clear" ? [] : [row[0]!]));
  const [numbers, routing] = [keeping(2), keeping(3)];
  const basic = gotten(view.basic, ofKept[view.basic], numbers, numbers.length === seen.length);
  const open = gotten(
    view.public,
    view.public === "clear" ? "carrier alone" : "drop",
    routing,
    routing.length === seen.length,
  );
  const points = view.read_points === undefined ? "" : ` of ${view.read_points.join(", ")} alone`;
  return `; gets views: numbers ${basic}, routing ${open}${points}`;
}

/** How long delivered events stay, and those with core data, which may go sooner. */
function retentionText({ queue }: Config): string {
  const { retain_days: days, retain_core_days: coreDays } = queue;
  const core = coreDays === undefined ? "" : `, those with data of a person ${coreDays} days`;
  return `${days} days after delivery${core}`;
}

/** What the guard will work by, what it seals to, and by what key orders are proven. */
interface Guarding {
  readonly policy: Policy;
  readonly sealKey: { readonly fingerprint: string; readonly notAfter?: string } | undefined;
  readonly orderKey: string | undefined;
}

function guardRows(config: Config, { policy, sealKey, orderKey }: Guarding): string[][] {
  const { guard, signed, hash } = policy;
  const origin = signed === undefined ? "of this file" : `version ${signed.version}, signed`;
  return [
    ["carriers", guard.carriers.length === 0 ? "none" : guard.carriers.join(", ")],
    ["other codes", guard.unknown === "token" ? "leave as a token" : "are dropped and counted"],
    ...policyRows(config, guard).map(([name, core, basic, open], index) => [
      index === 0 ? "policy" : "",
      `${name}  core ${core}, basic ${basic}, public ${open}`,
    ]),
    ["", `${origin}; hash ${hash}`],
    ...(guard.crypto === "gm" ? [["crypto", `gm: ${gmText}`]] : []),
    ...(sealKey === undefined ? [] : [["seal key", sealKeyText(sealKey)]]),
    ...(orderKey === undefined ? [] : [["orders", `proven by the key ${fingerprintText(orderKey)}`]]),
  ];
}

function sealKeyText({ fingerprint, notAfter }: NonNullable<Guarding["sealKey"]>): string {
  return `${fingerprintText(fingerprint)}${notAfter === undefined ? "" : `, its certificate ends on ${notAfter}`}`;
}

function summarise(config: Config, guarding: Guarding, output: Output): void {
  const { gateway, brokers, readPoints, devices, control } = config;
  const policies = policyRows(config, guarding.policy.guard);
  output.table([
    ["site", gateway.site],
    ["gateway", `${gateway.id}, data in ${gateway.data_dir}`],
    ...brokers.map(({ name, url, cert_file, view, orders }, index) => [
      index === 0 ? "brokers" : "",
      `${name}  ${url}${cert_file === undefined ? "" : " (mutual TLS)"}${viewText(view, policies)}${orders ? "; gives orders" : ""}`,
    ]),
    ...readPoints.map(({ name, emit, depart_ms }, index) => [
      index === 0 ? "read points" : "",
      `${name}  emit ${emit}, departs after ${depart_ms} ms`,
    ]),
    ...devices.map((device, index) => [
      index === 0 ? "devices" : "",
      `${device.name}  ${device.driver} ${deviceAddress(device)} at ${device.read_point}`,
    ]),
    ["http", control.http ?? "off: /metrics, /healthz and /readyz are not served"],
    ["events stay", retentionText(config)],
    ...guardRows(config, guarding),
  ]);
}

function summaryJson(config: Config, { policy, sealKey, orderKey }: Guarding): object {
  return {
    site: config.gateway.site,
    gateway: config.gateway.id,
    dataDir: config.gateway.data_dir,
    brokers: config.brokers.map(({ name, url, view, orders }) => ({
      name,
      url,
      orders,
      ...(view === undefined ? {} : { view }),
    })),
    readPoints: config.readPoints.map(({ name }) => name),
    devices: config.devices.map((device) => ({
      name: device.name,
      driver: device.driver,
      address: deviceAddress(device),
      readPoint: device.read_point,
    })),
    retainDays: config.queue.retain_days,
    retainCoreDays: config.queue.retain_core_days ?? config.queue.retain_days,
    carriers: policy.guard.carriers,
    crypto: policy.guard.crypto,
    policy: policyJson(config, policy),
    ...(sealKey === undefined ? {} : { sealKey }),
    ...(orderKey === undefined ? {} : { orderKey: { fingerprint: orderKey } }),
    digest: configDigest(config),
  };
}

async function guardingOf(config: Config, nowMs: number): Promise<Guarding> {
  const policy = await findPolicy(config, { nowMs, mustRemember: false });
  return { policy, sealKey: await sealKeyFacts(policy.guard), orderKey: await orderKeyOf(config) };
}

/** What a look at the identity in data_dir has to say. */
async function judgeIdentity({ gateway }: Config, nowMs: number): Promise<Judgement[]> {
  const found = await inspectIdentity(gateway.data_dir, { gateway: gateway.id, site: gateway.site }, nowMs);
  return found.map(({ level, sentence, hint }) => ({ level, path: ["gateway", "data_dir"], sentence, hint }));
}

async function check(file: string, output: Output): Promise<void> {
  const nowMs = Date.now();
  const judge = async (config: Config): Promise<Judgement[]> => [
    ...judgePolicy(await findPolicy(config, { nowMs, mustRemember: false }), nowMs, config.guard),
    ...(await judgeOrders(config)),
    ...(await judgeCentreKey(config, nowMs)),
    ...(await judgeIdentity(config, nowMs)),
  ];
  const checked = await checkConfig(file, { namedFiles: true, judge });
  const { warnings } = checked;
  const guarding = checked.ok ? await guardingOf(checked.config, nowMs) : undefined;
  if (!checked.ok) output.exitCode = exitCodes.problem;
  if (output.asJson) {
    const problems = checked.ok ? [] : checked.problems;
    const summary = checked.ok ? { config: summaryJson(checked.config, guarding!) } : {};
    return output.json({
      ok: checked.ok,
      file,
      problems,
      warnings: warnings.map(({ code: _, ...rest }) => rest),
      ...summary,
    });
  }
  if (checked.ok) {
    output.line(`${file} is fine`, "good");
    summarise(checked.config, guarding!, output);
  } else {
    output.line(`${file}: ${count(checked.problems.length, "problem")}`, "bad");
    tell(checked.problems, "bad", output);
  }
  if (warnings.length === 0) return;
  output.line(`${count(warnings.length, "warning")}:`, "warn");
  tell(warnings, "warn", output);
}

/** `sortgate check`: proves a configuration without touching a device or the network. */
export function addCheck(program: Command, output: Output): void {
  program
    .command("check")
    .description("prove a config file without touching devices or network")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nTells every problem with its line, what was found, what is allowed and what to try. Ends with 1 if there is one.\n" +
        "\nExamples:\n  sortgate check\n  sortgate check --config ./sortgate.toml\n  sortgate check --json\n",
    )
    .action((options: { config: string }) => check(options.config, output));
}
