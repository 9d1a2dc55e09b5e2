import { SortgateError, systemCode } from "../model/error.ts";
import type { BrokerSettings } from "./settings.ts";

/** What a broker says when it refuses: MQTT 3.1.1 §3.2.2.3 (1 to 5) and MQTT 5 §3.2.2.2 (128 on). */
const refusals: Readonly<Record<number, readonly [sentence: string, hint: string]>> = {
  1: ["does not speak this version of MQTT", "set protocol = 4 for this broker"],
  2: [
    "does not accept our client id",
    "check the client id rules of the broker; ours is sortgate-<site>-<id>, with a view sortgate-<site>-<id>.<broker>",
  ],
  3: ["is there but not available", "look at the broker's own log; it is tried again by itself"],
  4: ["refuses the user name or password", "check username and password_file of this broker"],
  5: ["does not allow us in", "check username, password_file or cert_file, and the broker's access rules"],
  132: ["does not speak this version of MQTT", "set protocol = 4 for this broker"],
  133: [
    "does not accept our client id",
    "check the client id rules of the broker; ours is sortgate-<site>-<id>, with a view sortgate-<site>-<id>.<broker>",
  ],
  134: ["refuses the user name or password", "check username and password_file of this broker"],
  135: ["does not allow us in", "check username, password_file or cert_file, and the broker's access rules"],
  136: ["is there but not available", "look at the broker's own log; it is tried again by itself"],
  137: ["is busy", "it is tried again by itself"],
  138: ["has banned us", "ask whoever runs the broker"],
  142: ["has given our place to another client", "make sure that no other gateway has the same site and id"],
  151: ["says that our quota is used up", "ask whoever runs the broker"],
  154: [
    "takes no retained messages, as our will is",
    "allow retained messages at the broker, for status topics at least",
  ],
  155: ["takes no QoS 1, without which it cannot acknowledge events", "allow QoS 1 at the broker"],
  159: ["says that we connect too often", "it is tried again by itself"],
};

/** Codes of Node and OpenSSL that mean that the two sides do not trust each other. */
const distrust: Readonly<Record<string, readonly [sentence: string, hint: string]>> = {
  CERT_HAS_EXPIRED: [
    "shows a certificate that has expired",
    "renew the broker's certificate; check this box's clock with: date",
  ],
  CERT_NOT_YET_VALID: ["shows a certificate that is not valid yet", "check this box's clock with: date"],
  DEPTH_ZERO_SELF_SIGNED_CERT: [
    "shows a certificate that ca_file does not vouch for",
    "put the broker's CA into ca_file",
  ],
  SELF_SIGNED_CERT_IN_CHAIN: [
    "shows a certificate that ca_file does not vouch for",
    "put the broker's CA into ca_file",
  ],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: [
    "shows a certificate that ca_file does not vouch for",
    "put the broker's CA into ca_file",
  ],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    "shows a certificate that ca_file does not vouch for",
    "put the broker's CA into ca_file",
  ],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    "shows a certificate for another name",
    "use the name that stands in the certificate as host of url",
  ],
  ERR_SSL_WRONG_VERSION_NUMBER: [
    "does not speak TLS on this port",
    "check the port of url: mqtts:// is usually 8883, and a port without TLS wants mqtt://",
  ],
};

const unreachable: Readonly<Record<string, readonly [sentence: string, hint: string]>> = {
  ECONNREFUSED: ["refuses the connection", "check that the broker runs and that the port of url is right"],
  ENOTFOUND: ["has a name that nobody knows", "check the host of url, and the name server of this box"],
  EAI_AGAIN: ["has a name that cannot be looked up now", "check the name server of this box"],
  EHOSTUNREACH: ["cannot be reached", "check cable, address and routes: ip route"],
  ENETUNREACH: ["cannot be reached", "check cable, address and routes: ip route"],
  ETIMEDOUT: ["does not answer", "check cable, address and firewall"],
};

/** A broker that is spoken to with TLS where it has none, or without where it has, ends the connection and says nothing. */
function silentHint(url: string): string {
  return url.startsWith("mqtts:")
    ? "check the port of url: mqtts:// is usually 8883, and a port without TLS wants mqtt://; else look at the broker's log, which says whether it wants a certificate"
    : "check the port of url: one with TLS, usually 8883, wants mqtts:// and ca_file; else check that it is an MQTT broker, and look at its log";
}

/**
 * Turns what MQTT.js says into a sentence and a next step.
 *
 * Takes:   `isAnswered`: whether this connection had its CONNACK.
 */
export function explainMqtt(error: unknown, broker: BrokerSettings, isAnswered = true): SortgateError {
  if (error instanceof SortgateError) return error;
  const who = `Broker "${broker.name}" at ${broker.url}`;
  const cause = { cause: error };
  const number = (error as { code?: unknown } | undefined)?.code;
  const refusal = typeof number === "number" ? refusals[number] : undefined;
  if (typeof number === "number")
    return new SortgateError("broker/refused", `${who} ${refusal?.[0] ?? `refuses us with reason ${number}`}`, {
      ...cause,
      hint: refusal?.[1] ?? "look at the broker's own log",
      context: { reason: number },
    });
  const code = systemCode(error);
  const text = error instanceof Error ? error.message : "";
  // The standard has no such reason in a PUBACK, and MQTT.js ends the connection without saying which event it was.
  if (/invalid puback reason/i.test(text))
    return new SortgateError("broker/refused", `${who} refuses an event with a reason that MQTT 5 does not know`, {
      ...cause,
      hint: "with mosquitto, replace message_size_limit by max_packet_size, which it tells us; else look at the broker's log",
    });
  if (distrust[code] !== undefined)
    return new SortgateError("broker/tls", `${who} ${distrust[code][0]}`, { ...cause, hint: distrust[code][1] });
  if (code.startsWith("ERR_OSSL"))
    return new SortgateError("broker/tls", `${who} is not called: cert_file and key_file cannot be used (${code})`, {
      ...cause,
      hint: "put whole PEM files there that belong together; sortgate check says which one is not",
    });
  if (/alert|certificate required|handshake/i.test(text) || code.startsWith("ERR_SSL") || code === "EPROTO")
    return new SortgateError("broker/tls", `${who} ended the TLS handshake`, {
      ...cause,
      hint: "check cert_file and key_file: the broker may ask for a certificate that it trusts; its log says which",
    });
  const known = unreachable[code];
  return new SortgateError(
    "broker/unreachable",
    `${who} ${known?.[0] ?? (/timeout/i.test(text) ? "does not answer" : "closed the connection")}`,
    {
      ...cause,
      hint:
        known?.[1] ?? (isAnswered ? "check that it is an MQTT broker, and look at its log" : silentHint(broker.url)),
    },
  );
}
