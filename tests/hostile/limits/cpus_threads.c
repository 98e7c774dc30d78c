// attempt: Uses more cores than it may.
// clause: limits.cpus
// limits: cpus=0.5 processes=8 wall_time=20s
// takes: 4 times 150 ms of CPU time
// burns: 600ms
// share: 0.5
// control: cpus=64
// expect: ok - 0
#include "attack.h"

#include <pthread.h>

static void *work(void *unused) {
    burn(0.15);
    return unused;
}

int main(void) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) need(pthread_create(&threads[i], NULL, work, NULL) == 0, "pthread_create");
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    return 0;
}
