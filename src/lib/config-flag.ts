/** Where the config file lies unless --config says otherwise. */
export const defaultConfigPath = "/etc/sortgate/sortgate.toml";

/** What a command that is suggested needs to read the same config file. */
export function configFlag(path: string): string {
  return path === defaultConfigPath ? "" : ` --config ${path}`;
}

/** Commands that read the config file, as hints name them, and without it. */
const commands =
  /\bsortgate (?:check|status|devices|probe [\w-]+|keys (?:csr|show|import CERTIFICATE)|queue (?:export|stats|verify))(?![\w-])(?! --config)/g;

/** A hint whose commands read the same config file. Takes: a text of our own, which knows of no file. */
export function namingConfig(hint: string, path: string): string {
  return hint.replace(commands, (command) => `${command}${configFlag(path)}`);
}
