import type { Command } from "commander";
import type { BrokerStatus, DeviceStatus, ReadPointStatus, Status } from "../../control/index.ts";
import { daemonOf, statusOf } from "../daemon.ts";
import { exitCodes } from "../exit-code.ts";
import type { Cell, Output, Tone } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { bytesText, countText, durationText } from "../quantity.ts";

const tones: Readonly<Record<DeviceStatus["state"] | BrokerStatus["state"], Tone>> = {
  up: "good",
  opening: "warn",
  connecting: "warn",
  down: "bad",
};

/** A count that should be nought. */
const alarming = (count: number): Cell => (count === 0 ? "0" : { text: countText(count), tone: "warn" });

function tellGateway({ gateway, chain }: Status, output: Output): void {
  const { site, id, software, ready, upMs, rssBytes, clockSynced } = gateway;
  output.line(
    `${id} at ${site}: ${ready ? "ready" : "not ready"}, up for ${durationText(upMs)}, sortgate ${software}, ${bytesText(rssBytes)} of memory`,
    ready ? "good" : "bad",
  );
  output.line(`Chain ${chain.chain}: ${countText(chain.sequence)} events; key ${chain.kid} since ${chain.keySince}`);
  if (!clockSynced)
    output.line("The clock of this box is not set by a time server, and each event says so. Try: timedatectl", "warn");
}

function tellDevices(devices: readonly DeviceStatus[], output: Output): void {
  output.line();
  if (devices.length === 0) {
    output.line("No device is configured. Try: sortgate devices", "warn");
    return;
  }
  output.table(
    devices.map((device) => [
      device.name,
      device.readPoint,
      device.driver,
      { text: `${device.state} for ${durationText(device.forMs)}`, tone: tones[device.state] },
      countText(device.readCount),
      device.readsPerSecond.toFixed(1),
      countText(device.noReadCount),
      alarming(device.malformedCount),
      alarming(device.discardedByteCount),
      device.quietMs === undefined ? "never" : `${durationText(device.quietMs)} ago`,
    ]),
    ["device", "read point", "driver", "state", "reads", "per s", "no-reads", "bad frames", "bytes lost", "last heard"],
  );
  for (const { name, problem } of devices) if (problem !== "") output.line(`${name}: ${problem}`, "bad");
}

function tellReadPoints(readPoints: readonly ReadPointStatus[], output: Output): void {
  output.line();
  output.table(
    readPoints.map((point) => [
      point.name,
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

function refusedText(refused: ReadPointStatus["refusedCount"]): string {
  const parts = Object.entries(refused).filter(([, count]) => count > 0);
  return parts.length === 0 ? "0" : parts.map(([reason, count]) => `${countText(count)} ${reason}`).join(", ");
}

/** The brokers with their queues; `queue stats` shows the same. */
export function tellBrokers(brokers: readonly BrokerStatus[], output: Output): void {
  output.table(
    brokers.map((broker) => [
      broker.name,
      { text: `${broker.state} for ${durationText(broker.forMs)}`, tone: tones[broker.state] },
      broker.protocol === undefined ? "" : broker.protocol === 5 ? "5" : "3.1.1",
      countText(broker.queuedCount),
      broker.queuedCount === 0 ? "" : durationText(broker.oldestQueuedMs),
      countText(broker.inFlightCount),
      countText(broker.acknowledgedCount),
      countText(broker.deliveredTo),
      broker.url,
    ]),
    ["broker", "state", "MQTT", "queued", "oldest", "in flight", "acknowledged", "all up to", "address"],
  );
  for (const { name, problem } of brokers) if (problem !== "") output.line(`${name}: ${problem}`, "bad");
}

/** The ledger on disk; `queue stats` shows the same. */
export function tellQueue(queue: Status["queue"], output: Output): void {
  const { first, last, fileBytes, walBytes, usedBytes, bytesMax, lostCount, droppedCount } = queue;
  const range = last < first || last === 0 ? "no events" : `events ${countText(first)} to ${countText(last)}`;
  const disk = bytesText(fileBytes + walBytes);
  output.line(`On disk: ${range}; ${bytesText(usedBytes)} of ${bytesText(bytesMax)} used, ${disk} of files`);
  if (lostCount > 0)
    output.line(
      `${countText(lostCount)} events were destroyed before every broker had them: the queue was full`,
      "bad",
    );
  if (droppedCount > 0)
    output.line(`${countText(droppedCount)} events did not reach the disk: it was too slow or full`, "bad");
}

/** Whether everything that should be up is up. */
function isAllUp({ gateway, devices, brokers }: Status): boolean {
  return gateway.ready && [...devices, ...brokers].every(({ state }) => state === "up");
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
      "\nExit codes:\n  0  all devices and brokers are up\n  1  one of them is not\n  3  the daemon cannot be reached\n" +
        "\nExamples:\n  sortgate status\n  sortgate status --json | jq .queue\n  watch -n 2 sortgate status\n",
    )
    .action(async ({ config }: { readonly config: string }) => {
      const status = await statusOf(await daemonOf(config));
      if (!isAllUp(status)) output.exitCode = exitCodes.problem;
      if (output.asJson) return output.json(status);
      tellGateway(status, output);
      tellDevices(status.devices, output);
      tellReadPoints(status.readPoints, output);
      output.line();
      tellBrokers(status.brokers, output);
      output.line();
      tellQueue(status.queue, output);
    });
}
