import { tmpdir } from "node:os";
import { expect, it } from "vitest";
import { serialDriver } from "../../../drivers/serial/driver.ts";
import { superviseDevice } from "../../../src/driver/index.ts";
import { createSystemClock } from "../../../src/lib/clock.ts";
import { openPseudoTerminal, serialSettingsOf } from "./pseudo-terminal.ts";

it("a supervised serial device that is unplugged and plugged in again is read again within 5 s", async () => {
  const [terminal, other] = [await openPseudoTerminal(), await openPseudoTerminal()];
  const states: string[] = [];
  let text = "";
  let otherText = "";
  const supervise = (path: string, onText: (text: string) => void, told: string[]) =>
    superviseDevice({
      driver: serialDriver,
      settings: serialSettingsOf(path),
      device: "scanner-1",
      receive: (chunk) => onText(chunk.kind === "bytes" ? Buffer.from(chunk.bytes).toString() : "|"),
      clock: createSystemClock(),
      tell: () => undefined,
      stateDir: tmpdir(),
      onState: (state, reason) => void told.push(reason === undefined ? state : `${state} ${reason}`),
    });
  const otherStates: string[] = [];
  const device = supervise(terminal.path, (part) => (text += part), states);
  const otherDevice = supervise(other.path, (part) => (otherText += part), otherStates);
  await expect.poll(() => states.length + otherStates.length, { timeout: 5_000 }).toBe(2);

  terminal.write(Buffer.from("before"));
  await expect.poll(() => text).toBe("before");
  await terminal.unplug();
  await expect.poll(() => states, { timeout: 3_000 }).toEqual(["up", "down unplugged"]);
  await terminal.replug();
  await expect.poll(() => states, { timeout: 5_000 }).toEqual(["up", "down unplugged", "up"]);
  terminal.write(Buffer.from("after"));
  await expect.poll(() => text).toBe("before|after");

  other.write(Buffer.from("undisturbed"));
  await expect.poll(() => otherText).toBe("undisturbed");
  expect(otherStates).toEqual(["up"]);
  await Promise.all([device.close(), otherDevice.close()]);
  await Promise.all([terminal.dispose(), other.dispose()]);
});
