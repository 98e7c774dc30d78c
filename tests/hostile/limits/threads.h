/* Four threads that use the CPU together, no longer than it takes. */
#include "attack.h"

#include <pthread.h>

static void *burn_in_a_thread(void *cpu_seconds) {
    burn(*(double *)cpu_seconds);
    return NULL;
}

static inline void burn_in_threads(double cpu_seconds_each) {
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        need(pthread_create(&threads[i], NULL, burn_in_a_thread, &cpu_seconds_each) == 0, "pthread_create");
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}
