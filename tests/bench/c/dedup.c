// dedup LINE LIVE_COUNT READS_PER_MS DEPART_MS CODE_BYTES FRAME_BYTES: what de-duplication costs at least.
//
// Open addressing, codes as bytes of at most 16, compared exactly. Nothing is taken out: the live codes are all there are.
// The line is fed three times, and the third counts, as in the stage; a clock per 16 frames.
#include "cost.h"
#include <stdint.h>
#include <string.h>

enum { code_bytes_max = 16, chunk_frames = 16, stretch_frames = 1024 };

struct pass {
  unsigned char code[code_bytes_max];
  double last_ms;
};

static struct pass *passes;
static uint64_t mask;
static long observed;

static uint64_t hash(const unsigned char *code) {
  uint64_t low, high;
  memcpy(&low, code, 8);
  memcpy(&high, code + 8, 8);
  uint64_t mixed = (low ^ (high * 0x9e3779b97f4a7c15u)) * 0xff51afd7ed558ccdu;
  return mixed ^ (mixed >> 32);
}

static void take(const unsigned char *read, size_t code_bytes, double now_ms, double depart_ms) {
  unsigned char code[code_bytes_max] = {0};
  memcpy(code, read, code_bytes);
  for (uint64_t at = hash(code) & mask;; at = (at + 1) & mask) {
    struct pass *pass = &passes[at];
    if (pass->code[0] == 0) memcpy(pass->code, code, sizeof code);
    else if (memcmp(pass->code, code, sizeof code) != 0) continue;
    else if (now_ms - pass->last_ms < depart_ms) {
      pass->last_ms = now_ms;
      return;
    }
    pass->last_ms = now_ms;
    observed += 1;
    return;
  }
}

static unsigned char *contents(const char *path, long *length) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) fail("cannot read the line");
  *length = ftell(file);
  rewind(file);
  unsigned char *bytes = allocated((size_t)*length, 1);
  if (fread(bytes, 1, (size_t)*length, file) != (size_t)*length) fail("cannot read the line");
  fclose(file);
  return bytes;
}

int main(int argc, char **argv) {
  const long live = number(argc, argv, 2), depart_ms = number(argc, argv, 4);
  const long code_bytes = number(argc, argv, 5), frame_bytes = number(argc, argv, 6);
  const double reads_per_ms = strtod(argv[3], NULL);
  if (code_bytes > code_bytes_max) fail("codes are longer than this compares");
  long length;
  const unsigned char *line = contents(argv[1], &length);
  const long reads = length / frame_bytes;
  uint64_t slots = 1;
  while (slots < 2 * (uint64_t)live) slots *= 2;
  passes = allocated(slots, sizeof *passes);
  mask = slots - 1;

  double worst_s = 0;
  struct cost from = cost_now();
  for (long round = 0; round < 3; round += 1) {
    from = cost_now();
    double stretch_s = from.wall_s;
    worst_s = 0;
    for (long first = 0; first < reads; first += chunk_frames) {
      const double now_ms = (double)(round * reads + first) / reads_per_ms;
      const long end = first + chunk_frames < reads ? first + chunk_frames : reads;
      for (long n = first; n < end; n += 1) take(line + n * frame_bytes, (size_t)code_bytes, now_ms, (double)depart_ms);
      if (first % stretch_frames != 0) continue;
      const double now_s = cost_now().wall_s;
      if (now_s - stretch_s > worst_s) worst_s = now_s - stretch_s;
      stretch_s = now_s;
    }
  }
  const double cpu_s = cost_now().cpu_s - from.cpu_s;
  printf("{\"nsPerRead\":%.3f,\"worstMs\":%.6f,\"megabytes\":%.3f,\"observedCount\":%ld}\n", cpu_s * 1e9 / (double)reads,
         worst_s * 1e3, (double)(slots * sizeof *passes) / 1048576, observed);
  return 0;
}
