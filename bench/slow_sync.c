/*
 * Preloaded into a server that stores: every sync does what it always does, then takes BENCH_SYNC_EXTRA_US
 * microseconds more, as it would on a slower disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <time.h>

typedef int (*sync_call)(int);

static int slowly(const char *name, int file) {
  const char *extra = getenv("BENCH_SYNC_EXTRA_US");
  long us = extra == NULL ? 0 : atol(extra);
  struct timespec left = {us / 1000000, us % 1000000 * 1000};
  int result = ((sync_call)dlsym(RTLD_NEXT, name))(file);
  int error = errno;
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
  errno = error;
  return result;
}

int fsync(int file) { return slowly("fsync", file); }

int fdatasync(int file) { return slowly("fdatasync", file); }
