// Entry of the process that is the virtual line of a demo. It is driven over an IPC channel, and ends with it.
import { demoReadPoint } from "./line-config.ts";
import type { FromLine, ToLine } from "./messages.ts";
import { openVirtualLine } from "./virtual-line.ts";

const countsEveryMs = 200;

function send(message: FromLine): void {
  if (process.connected) process.send?.(message);
}

async function main([seed = "1", rate = "4", tagRate = "600", stateDir = "."]: readonly string[]): Promise<void> {
  const line = await openVirtualLine({
    seed: Number(seed),
    parcelsPerSecond: Number(rate),
    tagReadsPerSecond: Number(tagRate),
    readPoint: demoReadPoint.name,
    passMaxMs: demoReadPoint.passMaxMs,
    stateDir,
    tell: (truth) => send({ kind: "truth", truth }),
  });
  const timer = setInterval(() => send({ kind: "counts", counts: line.counts() }), countsEveryMs);
  const end = async (): Promise<void> => {
    clearInterval(timer);
    await line.close();
    process.exit();
  };
  process.on("message", (message: ToLine) => {
    if (message.kind === "start") return line.start();
    line.stop();
    send({ kind: "stopped", counts: line.counts() });
  });
  process.removeAllListeners("disconnect").once("disconnect", () => void end());
  process.once("SIGTERM", () => void end());
  send({ kind: "ready", addresses: line.addresses });
}

// Until the line is open nothing listens to the channel, so its end must end the process here too.
process.once("disconnect", () => process.exit());
await main(process.argv.slice(2));
