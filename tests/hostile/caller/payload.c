/* What a variable makes a program load: it says who obeyed, on the host in a directory that no jail shows. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void obey(void) {
    char status[4096] = "", program[256] = "", line[1024];
    int fd = open("/proc/self/status", O_RDONLY);
    if (fd >= 0 && read(fd, status, sizeof status - 1) < 0) status[0] = 0;
    if (fd >= 0) close(fd);
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) program[0] = 0;
    const char *seccomp = strstr(status, "Seccomp:");
    int length = snprintf(line, sizeof line, "obeyed %s filtered=%c by %s\n", TAG, seccomp ? seccomp[9] : '?', program);
    fd = open(DROP "/" TAG, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd < 0) fd = 1;
    if (write(fd, line, (size_t)length) < 0) return;
}

#ifdef AUDIT
unsigned la_version(unsigned version) {
    obey();
    return version;
}
#elif defined(GCONV)
int gconv_init(void *step) {
    (void)step;
    obey();
    exit(0);
}
int gconv(void) {
    return 0;
}
#else
__attribute__((constructor)) static void loaded(void) {
    obey();
}
#endif
