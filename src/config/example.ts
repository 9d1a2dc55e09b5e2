/** What stands in the example where nobody said otherwise. */
const placeholders = { site: "SITE-1", id: "gateway-1" } as const;

/**
 * A commented configuration to begin with. It passes the check as it is, and reads nothing until a device is added.
 *
 * Takes:  names of site and gateway that fit the schema; absent: placeholders.
 */
export function exampleConfig({
  site = placeholders.site,
  id = placeholders.id,
}: {
  site?: string;
  id?: string;
} = {}): string {
  return `# sortgate configuration. Check it with: sortgate check
# Every key is explained in config/README.md. Secrets are never written here: keys ending in _file name files.

[gateway]
site = "${site}"                # the sorting centre: letters, digits, - and _
id = "${id}"               # this gateway, unique within the site
data_dir = "/var/lib/sortgate"  # ledger and identity

# One [[broker]] per subscriber network; each has its own cursor and receives every event.
[[broker]]
name = "local"
url = "mqtt://127.0.0.1:1883"   # unencrypted only to this machine; otherwise mqtts://host:8883
# ca_file = "/etc/sortgate/ca.pem"          # who may vouch for the broker
# cert_file = "/etc/sortgate/gateway.pem"   # with key_file: mutual TLS
# key_file = "/etc/sortgate/gateway.key"
# username = "gateway"
# password_file = "\${CREDENTIALS_DIRECTORY}/broker-password"
# orders = true                 # what the centre orders to erase; needs policy_key_file in [guard]

[queue]
bytes_max = 2_000_000_000       # bytes on disk, at most
retain_days = 30                # days that delivered events stay
when_full = "drop-oldest"       # or "drop-newest", "stop-reading"; a signed gap event tells it

# The place where one or more devices look. One parcel passing here is one event.
[[read_point]]
name = "tunnel-1"
depart_ms = 500                 # ms without a read after which a pass is over
pass_max_ms = 30_000            # ms after which a code that never leaves is told as stalled
emit = "first"                  # or "pass" (a summary when it departs), "both"

# Take the comment signs from one of these. sortgate devices lists the ports of this machine.

# [[device]]
# name = "scanner-1"
# read_point = "tunnel-1"
# driver = "serial"
# path = "/dev/serial/by-id/usb-Vendor_Scanner_0001-if00"
# baud_rate = 115200
# profile = "line-barcode"      # each code ends with a line break

# [[device]]
# name = "scanner-2"
# read_point = "tunnel-1"
# driver = "tcp"
# host = "10.1.4.20"
# port = 2112
# profile = "stx-etx-barcode"   # each code stands between STX and ETX

# [[device]]
# name = "rfid-1"
# read_point = "tunnel-1"
# driver = "opcua"
# endpoint = "opc.tcp://10.1.4.30:4840"
# mode = "autoid"               # events of an OPC 30010 reader

# Shapes of codes that may leave in clear; everything else leaves as class, length and keyed token.
[guard]
carriers = ["s10", "sscc"]      # add "sf", "yto", "zto", "sto", "yunda", "jd", "jt", "ems", "deppon", "cainiao", "ups", "usps", "fedex"
unknown = "token"               # or "drop"
core = "drop"                   # names, telephones, addresses on labels: or "mask", "token", "seal"
basic = "clear"                 # numbers of the shapes in carriers: or "mask", "token", "seal"
# seal_key_file = "centre.pem"  # the centre's public key, for "seal"
# policy_file = "policy.jws"    # a policy that the centre signed goes before these keys
# policy_key_file = "centre-policy.pem"     # the centre's public key, also for orders

[control]
socket = "/run/sortgate/control.sock"
http = "127.0.0.1:9477"         # /metrics, /healthz, /readyz; off without this line

[log]
level = "info"                  # or "error", "warn", "debug"
`;
}
