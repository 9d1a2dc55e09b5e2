import { SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { DurationMs } from "../model/units.ts";
import type { BrokerSettings } from "./settings.ts";

/** Session taken over (MQTT 5 §3.14.2.1). */
const takenOver = 142;

/** Whether another client takes our place at a broker, time and again; see `createContest`. */
export interface Contest {
  /** A connection ended after it had been up for so long. Gives the reason as it is to be told. */
  ended(reason: SortgateError, upMs: DurationMs): SortgateError;
  /** What is wrong although the connection is up; empty if nothing is. */
  problem(upMs: DurationMs): string;
  /** True while it goes on: the wait before the next connection must not begin small again. */
  isOn(): boolean;
}

/**
 * Two gateways with one site and id throw each other off a broker for ever, and each comes back at once.
 *
 * A broker may say so (DISCONNECT 0x8E); MQTT 3.1.1 knows no such word, and some brokers close without one in MQTT 5
 * too (mosquitto 2.0.11). So a row of connections that were closed soon after the CONNACK counts as well, as a likely
 * cause. The contest is over when a connection has held for `contestCalmMs`.
 */
export function createContest({ name, url }: BrokerSettings): Contest {
  let takeoverCount = 0;
  let closeCount = 0;
  let sentence = "";

  const isOn = (): boolean => sentence !== "";
  const become = (text: string, hint: string, reason: SortgateError): SortgateError => {
    sentence = `Broker "${name}" at ${url} ${text}`;
    return new SortgateError(reason.code, sentence, { hint, cause: reason, context: reason.context });
  };
  const forget = (): void => {
    takeoverCount = 0;
    closeCount = 0;
    sentence = "";
  };

  return {
    ended(reason, upMs) {
      if (upMs >= limits.contestCalmMs) forget();
      if (reason.context.reason === takenOver) {
        takeoverCount += 1;
        return become(
          `has given our place to another client with our client id, ${times(takeoverCount)} by now`,
          "make sure that no other gateway has the same site and id",
          reason,
        );
      }
      const isEarly = reason.code === "broker/unreachable" && upMs < limits.earlyCloseMs;
      closeCount = isEarly ? closeCount + 1 : isOn() ? closeCount : 0;
      if (takeoverCount > 0 || closeCount < limits.earlyCloseCountMin) return reason;
      return become(
        `closed the connection soon after it let us in, ${times(closeCount)} by now: another gateway with the same site and id may take our place`,
        "make sure that no other gateway has the same site and id; if none has, the broker's log says why it closes",
        reason,
      );
    },
    problem: (upMs) => (upMs < limits.contestCalmMs ? sentence : ""),
    isOn,
  };
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
