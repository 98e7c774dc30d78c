// attempt: Makes threads until it can't, which it survives: 11 is EAGAIN.
// clause: limits.processes
// limits: processes=12 wall_time=20s
// takes: 100 threads
// control: processes=200
// expect: nonzero-exit - 11
// expect group: nonzero-exit - 11 hits=processes -- a group counts what it refused
#include "attack.h"

#include <pthread.h>

static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_there(void *unused) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return unused;
}

int main(void) {
    pthread_t threads[100];
    int made = 0, result = 0;
    pthread_mutex_lock(&gate);
    while (made < 100 && (result = pthread_create(&threads[made], NULL, wait_there, NULL)) == 0) made++;
    pthread_mutex_unlock(&gate);
    while (made--) pthread_join(threads[made], NULL);
    return result;
}
