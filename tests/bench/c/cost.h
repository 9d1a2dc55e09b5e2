// What the stages print: events per second of wall time, processor microseconds per event.
#ifndef COST_H
#define COST_H
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

struct cost {
  double wall_s, cpu_s;
};

static inline double seconds(struct timeval at) { return (double)at.tv_sec + (double)at.tv_usec / 1e6; }

static inline struct cost cost_now(void) {
  struct timespec wall;
  struct rusage used;
  clock_gettime(CLOCK_MONOTONIC, &wall);
  getrusage(RUSAGE_SELF, &used);
  return (struct cost){(double)wall.tv_sec + (double)wall.tv_nsec / 1e9, seconds(used.ru_utime) + seconds(used.ru_stime)};
}

static inline void print_cost(struct cost from, long count) {
  struct cost to = cost_now();
  printf("{\"perSecond\":%.3f,\"cpuMicros\":%.6f}\n", (double)count / (to.wall_s - from.wall_s),
         (to.cpu_s - from.cpu_s) * 1e6 / (double)count);
}

static inline _Noreturn void fail(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static inline void *allocated(size_t count, size_t size) {
  void *memory = calloc(count, size);
  if (memory == NULL) fail("no memory");
  return memory;
}

// A number of the command line.
static inline long number(int argc, char **argv, int index) {
  if (index >= argc) fail("an argument is missing");
  return strtol(argv[index], NULL, 10);
}
#endif
