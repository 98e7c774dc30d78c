// What every program ends with: one line that says how it went, and 0.
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// held("EPERM") and escaped("read %s", text): like printf, and then the end of the program.
#define held(...) finish("held: ", __VA_ARGS__)
#define escaped(...) finish("escaped: ", __VA_ARGS__)
#define finish(word, ...) (fputs(word, stdout), printf(__VA_ARGS__), putchar('\n'), fflush(stdout), _exit(0))

// Ends the program as held, by the name of what went wrong, where `result` says that something did.
#define need(result) ((long)(result) < 0 ? held("%s: %s", #result, strerrorname_np(errno)) : (void)0)
