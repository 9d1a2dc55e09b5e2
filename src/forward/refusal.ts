/** What it means that a broker did not take one event. */
export interface RefusalMeaning {
  /** Completes "Broker … does not take our read events: …". */
  readonly sentence: string;
  /** Completes "Try: …". */
  readonly hint: string;
  /** The same event would be refused for ever: it is set aside instead of being sent again. */
  readonly isPermanent: boolean;
}

/** Codes of a PUBACK that refuse (MQTT 5 §3.4.2.1), with what a person can do. */
const meanings: Readonly<Record<number, RefusalMeaning>> = {
  128: passing("it does not say why", "look at the broker's own log"),
  131: passing("a rule of its own forbids it", "look at the broker's own log, and at its plugins and policies"),
  135: passing(
    "we may not write to this topic",
    "allow this client to write to the topic in the broker's access rules",
  ),
  144: permanent("it does not accept the name of the topic", "check topic_prefix and the broker's rules for topics"),
  145: passing("it has not done with an earlier message of this number", "nothing; it is tried again by itself"),
  149: permanent("the packet is too large", "raise the broker's maximum packet size"),
  151: passing("a quota is used up", "ask whoever runs the broker to raise the quota of this client"),
  153: permanent("it does not accept the content", "check the schema or policy that the broker holds messages to"),
};

function passing(sentence: string, hint: string): RefusalMeaning {
  return { sentence, hint, isPermanent: false };
}

function permanent(sentence: string, hint: string): RefusalMeaning {
  return { sentence, hint, isPermanent: true };
}

/** A code that nobody foresaw may pass: an event is set aside only for what is known to be for ever. */
export function explainRefusal(code: number): RefusalMeaning {
  return meanings[code] ?? passing("it gives a reason that we do not know", "look at the broker's own log");
}

/** A reason as it stands in lists: the code as the specification writes it, then what it means. */
export function reasonText(code: number, { sentence }: RefusalMeaning): string {
  return `0x${code.toString(16).padStart(2, "0")} ${sentence}`;
}
