import type { Command } from "commander";
import {
  type BrokerStatus,
  type DeviceStatus,
  imbalances,
  type ReadPointStatus,
  type Status,
} from "../../control/index.ts";
import { namingConfig } from "../../lib/config-flag.ts";
import { fingerprintText } from "../../lib/fingerprint.ts";
import { daemonOf, statusOf } from "../daemon.ts";
import { exitCodes } from "../exit-code.ts";
import {
  brokerFaults,
  type ConfigNow,
  deviceFaults,
  diskLeft,
  gatewayFaults,
  isLosing,
  isRefusing,
  orderFaults,
  queueFaults,
  refusalFaults,
  tellFaults,
} from "../faults.ts";
import type { Cell, Output, Tone } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { bytesText, countText, durationText, eventsText, shortDuration, shortName } from "../quantity.ts";
import { gmText } from "./policy.ts";

const tones: Readonly<Record<DeviceStatus["state"] | BrokerStatus["state"], Tone>> = {
  up: "good",
  opening: "warn",
  paused: "warn",
  connecting: "warn",
  down: "bad",
};

/** A count that should be nought. */
const alarming = (count: number): Cell => (count === 0 ? "0" : { text: countText(count), tone: "warn" });

function tellGateway({ gateway, chain }: Status, output: Output): void {
  const { site, id, software, ready, upMs, rssBytes } = gateway;
  output.line(
    `${id} at ${site}: ${ready ? "ready" : "not ready"}, up for ${durationText(upMs)}, sortgate ${software}, ${bytesText(rssBytes)} of memory`,
    ready ? "good" : "bad",
  );
  const key = chain.keySince === null ? "no key yet: the ledger is full" : `key in use since ${chain.keySince}`;
  output.line(`Chain ${chain.chain}: ${eventsText(chain.sequence)}; ${key}`);
}

function tellDevices(devices: readonly DeviceStatus[], output: Output): void {
  output.line();
  if (devices.length === 0) {
    output.line("No device is configured. Try: sortgate devices", "warn");
    return;
  }
  output.table(
    devices.map((device) => [
      shortName(device.name, 18),
      shortName(device.readPoint, 14),
      { text: `${device.state} for ${shortDuration(device.forMs)}`, tone: tones[device.state] },
      countText(device.readCount),
      device.readsPerSecond.toFixed(1),
      countText(device.noReadCount),
      alarming(device.malformedCount),
      device.quietMs === undefined ? "never" : `${shortDuration(device.quietMs)} ago`,
    ]),
    ["device", "read point", "state", "reads", "per s", "no-reads", "bad", "heard"],
  );
  tellFaults(devices.flatMap(deviceFaults), output);
}

function tellReadPoints(readPoints: readonly ReadPointStatus[], output: Output): void {
  output.line();
  output.table(
    readPoints.map((point) => [
      shortName(point.name, 24),
      countText(point.readCount),
      countText(point.openedCount),
      countText(point.suppressedCount),
      refusedText(point.refusedCount),
      countText(point.noReadCount),
      countText(point.liveCount),
    ]),
    ["read point", "reads", "passes", "repeats", "refused", "no-reads", "open now"],
  );
}

/** What the guard works by; a daemon of an older version does not say it. */
function tellPolicy({ policy, sealKey }: Status, output: Output): void {
  if (policy === undefined) return;
  const origin = policy.version === undefined ? "of the config" : `version ${policy.version}, signed by the centre`;
  output.line();
  output.line(`Policy ${policy.problem === undefined ? origin : "that lets out tokens alone"}; hash ${policy.hash}`);
  if (policy.crypto === "gm") output.line(`National algorithms (crypto = "gm"): ${gmText}`);
  if (sealKey !== undefined) output.line(`Sealed to ${fingerprintText(sealKey.fingerprint)} (${sealKey.file})`);
}

/** Labels that show too much are no fault of the gateway, but somebody should talk to whoever prints them. */
function tellLabels(labels: Status["labels"], output: Output): void {
  const leaking = labels.filter(({ leakingCount }) => leakingCount > 0);
  if (leaking.length === 0) return;
  const formats = leaking.map(({ format, leakingCount }) => `${format} ${countText(leakingCount)}`).join(", ");
  output.line();
  output.line(
    `Labels printed with personal data in clear, since the start: ${formats}; the daily audit event says which`,
  );
}

/** What the centre orders; nothing where no broker is asked for it. */
function tellOrders(status: Status, output: Output): void {
  const { brokers, orders } = status;
  const asked = brokers.filter((broker) => broker.orders !== undefined);
  if (orders === undefined || asked.length === 0) return;
  const names = asked.map(({ name, orders }) => (orders?.subscribed === true ? name : `${name} (not subscribed)`));
  const done = orders.last === undefined ? "none was carried out" : `the last one carried out is ${orders.last}`;
  const waiting = orders.waitingCount === 0 ? "" : `, ${countText(orders.waitingCount)} not done yet`;
  output.line(`Orders of the centre come by ${names.join(", ")}: ${done}${waiting}`);
  const refused = refusedText(orders.refusedCount);
  if (refused !== "0")
    output.line(`Orders refused since the start: ${refused}; the log and the chain say more`, "warn");
  tellFaults(orderFaults(status), output);
}

function refusedText(refused: ReadPointStatus["refusedCount"]): string {
  const parts = Object.entries(refused).filter(([, count]) => count > 0);
  return parts.length === 0 ? "0" : parts.map(([reason, count]) => `${countText(count)} ${reason}`).join(", ");
}

/** The brokers with their queues; `queue stats` shows the same. */
export function tellBrokers(brokers: readonly BrokerStatus[], output: Output): void {
  output.table(
    brokers.map((broker) => [
      shortName(broker.name, 18),
      { text: `${broker.state} for ${shortDuration(broker.forMs)}`, tone: tones[broker.state] },
      broker.protocol === undefined ? "" : broker.protocol === 5 ? "5" : "3.1.1",
      countText(broker.queuedCount),
      broker.queuedCount === 0 ? "" : shortDuration(broker.oldestQueuedMs),
      countText(broker.inFlightCount),
      countText(broker.acknowledgedCount),
      countText(broker.deliveredTo),
    ]),
    ["broker", "state", "MQTT", "queued", "oldest", "in flight", "acknowledged", "all up to"],
  );
  for (const { name, url, hasView } of brokers)
    output.line(`${name} is ${url}${hasView === true ? ", and gets views of events" : ""}`, "dim");
  for (const { name, queuedCount, hoursUntilDrained } of brokers)
    if (queuedCount > 0 && typeof hoursUntilDrained === "number" && hoursUntilDrained > 0)
      output.line(`${name}: drained in ${shortDuration(hoursUntilDrained * 3_600_000)}`);
  for (const { name, replay, lostCount, salvagedCount } of brokers) {
    if (replay !== undefined)
      output.line(
        `${name}: events ${replay.from} to ${replay.to} go out again, ${countText(replay.leftCount)} are left`,
      );
    if (salvagedCount > 0)
      output.line(
        `${name}: ${eventsText(salvagedCount)} saved from a damaged ledger ${salvagedCount === 1 ? "waits" : "wait"}`,
        "warn",
      );
    for (const [reason, count] of Object.entries(lostCount ?? {}))
      output.line(`${name}: will never have ${eventsText(count)} (${reason})`, "warn");
  }
  tellFaults(brokers.flatMap(brokerFaults), output);
}

/** Whether every read and every event is accounted for. */
function tellBalance(status: Status, output: Output): void {
  const found = imbalances(status);
  if (found.length === 0) output.line("Every read and every event is accounted for");
  for (const sentence of found) output.line(`${sentence}. Try: report it with sortgate status --json`, "bad");
}

/** Where all events of the chain are; nothing as long as all are on disk. */
function tellAccount({ last, liveCount, destroyedCount = {} }: Status["queue"], output: Output): void {
  const reasons = Object.entries(destroyedCount).filter(([, count]) => count > 0);
  if (reasons.length === 0) return;
  const destroyed = reasons.map(([reason, count]) => `${countText(count)} ${reason}`).join(", ");
  output.line(`Of ${countText(last)} events ${countText(liveCount)} are live; destroyed: ${destroyed}`);
}

/** The ledger on disk; `queue stats` shows the same. */
export function tellQueue(queue: Status["queue"], brokers: readonly BrokerStatus[], output: Output): void {
  const { first, last, fileBytes, walBytes, usedBytes, bytesMax } = queue;
  const range = last < first || last === 0 ? "no events" : `events ${countText(first)} to ${countText(last)}`;
  const disk = bytesText(fileBytes + walBytes);
  const hours = queue.full === undefined ? queue.hoursUntilFull : null;
  // No forecast means that it never fills, as things go.
  const filling = typeof hours === "number" ? `; full in ${shortDuration(hours * 3_600_000)}` : "";
  const left = queue.full === undefined ? diskLeft(queue) : undefined;
  const room = left === undefined ? "" : `, and the disk has ${bytesText(left)} left`;
  output.line(
    `On disk: ${range}; ${bytesText(usedBytes)} of ${bytesText(bytesMax)} used, ${disk} of files${room}${filling}`,
  );
  tellAccount(queue, output);
  tellFaults(queueFaults(queue, brokers), output);
}

/** Whether everything that should be up is up, and nothing was lost lately. */
function isAllUp(status: Status): boolean {
  const { gateway, chain, devices, brokers, queue, sealing, policy, reveals = [], http } = status;
  if (http !== undefined || isLosing(queue) || chain.certificate.days?.level === "problem") return false;
  if (orderFaults(status).length > 0 || sealing === "no-key" || policy?.problem !== undefined || reveals.length > 0)
    return false;
  const isUp = ({ state }: { readonly state: string }): boolean => state === "up";
  const isTaking = (broker: BrokerStatus): boolean => broker.problem === "" && !isRefusing(broker, Date.now());
  return gateway.ready && devices.every(isUp) && brokers.every((broker) => isUp(broker) && isTaking(broker));
}

function tellStatus(status: Status, config: ConfigNow, output: Output): void {
  tellGateway(status, output);
  tellFaults(gatewayFaults(status, config), output);
  tellDevices(status.devices, output);
  tellReadPoints(status.readPoints, output);
  tellLabels(status.labels, output);
  tellPolicy(status, output);
  output.line();
  tellBrokers(status.brokers, output);
  tellFaults(
    status.brokers.flatMap((broker) => refusalFaults(broker, Date.now())),
    output,
  );
  tellOrders(status, output);
  output.line();
  tellQueue(status.queue, status.brokers, output);
  tellBalance(status, output);
}

/** An output whose lines name commands that read the same config file. */
export function naming(config: string, output: Output): Output {
  return { ...output, line: (text = "", tone) => output.line(namingConfig(text, config), tone) };
}

/** `sortgate status`: how the running daemon does, on one screen. */
export function addStatus(program: Command, output: Output): void {
  program
    .command("status")
    .description("show how the running daemon does: devices, read points, brokers, queue")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nExit codes:\n  0  all devices and brokers are up and well\n  1  one of them is not, the signed policy is refused, nothing can be sealed to the centre, an order of the centre cannot come, be proven or be done, events were lost or refused by a broker for ever in the last 24 hours, the device certificate does not hold, the http address cannot be served, or somebody was given too many numbers today\n  3  the daemon cannot be reached\n" +
        "\nExamples:\n  sortgate status\n  sortgate status --json | jq .queue\n  watch -n 2 sortgate status\n",
    )
    .action(async ({ config }: { readonly config: string }) => {
      const daemon = await daemonOf(config, output);
      const status = await statusOf(daemon);
      if (!isAllUp(status)) output.exitCode = exitCodes.problem;
      if (output.asJson) return output.json(status);
      tellStatus(status, { ...daemon, path: config }, naming(config, output));
    });
}
