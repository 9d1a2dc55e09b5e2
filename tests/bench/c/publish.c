// publish PORT EVENTS WINDOW EVENT_BYTES: MQTT 3.1.1 at QoS 1 with bare system calls, a window of messages in flight.
//
// Whatever the window has room for goes out with one write; acknowledgements are counted, for the broker answers in order.
// Source: MQTT 3.1.1 §3.1 (CONNECT), §3.3 (PUBLISH), §3.4 (PUBACK).
#include "cost.h"
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

static const unsigned char connect_packet[] = {0x10, 16, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 4, 'c', 'p', 'u', 'b'};
static const char topic[] = "bench/read/tunnel-1";

static int connected(long port) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0), yes = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0) fail("cannot connect");
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  return fd;
}

static void write_all(int fd, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t written = write(fd, bytes, length);
    if (written <= 0) fail("cannot write to the broker");
    bytes += written;
    length -= (size_t)written;
  }
}

static size_t read_some(int fd, unsigned char *bytes, size_t room) {
  const ssize_t length = read(fd, bytes, room);
  if (length <= 0) fail("the broker hung up");
  return (size_t)length;
}

// One message; gives where the packet identifier stands in it.
static size_t make_packet(unsigned char *packet, long event_bytes, size_t *length) {
  const size_t topic_bytes = sizeof topic - 1;
  size_t left = 2 + topic_bytes + 2 + (size_t)event_bytes, at = 0;
  packet[at++] = 0x32;
  do {
    packet[at++] = (unsigned char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0));
    left >>= 7;
  } while (left > 0);
  packet[at++] = 0;
  packet[at++] = (unsigned char)topic_bytes;
  memcpy(packet + at, topic, topic_bytes);
  at += topic_bytes;
  memset(packet + at + 2, 'x', (size_t)event_bytes);
  *length = at + 2 + (size_t)event_bytes;
  return at;
}

int main(int argc, char **argv) {
  const long port = number(argc, argv, 1), count = number(argc, argv, 2);
  const long window = number(argc, argv, 3), event_bytes = number(argc, argv, 4);
  size_t length;
  unsigned char *packet = allocated((size_t)event_bytes + 64, 1), answer[4096];
  const size_t id_at = make_packet(packet, event_bytes, &length);
  unsigned char *batch = allocated((size_t)window, length);

  const struct cost from = cost_now();
  const int fd = connected(port);
  write_all(fd, connect_packet, sizeof connect_packet);
  for (size_t got = 0; got < 4;) got += read_some(fd, answer + got, 4 - got);
  if (answer[0] != 0x20 || answer[3] != 0) fail("the broker refused the connection");

  unsigned id = 0;
  size_t rest = 0;
  for (long sent = 0, acknowledged = 0; acknowledged < count;) {
    unsigned char *end = batch;
    for (; sent < count && sent - acknowledged < window; sent += 1, end += length) {
      id = id % 65535 + 1;
      memcpy(end, packet, length);
      end[id_at] = (unsigned char)(id >> 8);
      end[id_at + 1] = (unsigned char)id;
    }
    write_all(fd, batch, (size_t)(end - batch));
    const size_t got = rest + read_some(fd, answer + rest, sizeof answer - rest);
    for (size_t at = 0; at + 4 <= got; at += 4) {
      if (answer[at] != 0x40) fail("an answer is no acknowledgement");
      acknowledged += 1;
    }
    rest = got % 4;
    memmove(answer, answer + got - rest, rest);
  }
  print_cost(from, count);
  close(fd);
  return 0;
}
