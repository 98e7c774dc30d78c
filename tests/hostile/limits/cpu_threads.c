// attempt: Uses the CPU by threads, none of which is over the limit alone.
// clause: limits.cpu_time
// limits: cpu_time=400ms processes=8 wall_time=20s
// takes: 4 times 250 ms of CPU time
// burns: 1s
// control: cpu_time=10s
// expect: cpu-time-limit limits.cpu_time SIGKILL
#include "attack.h"

#include <pthread.h>

static void *work(void *unused) {
    burn(0.25);
    return unused;
}

int main(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) need(pthread_create(&threads[i], NULL, work, NULL) == 0, "pthread_create");
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    return 0;
}
