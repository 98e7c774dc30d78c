// attempt: Takes a real-time priority, with which it keeps a processor from whoever is to end it.
// known-from: SCHED_FIFO loops, which starve every ordinary process of a core
// held-by: capabilities, filter
// must: held
// control: bare root
#include "escape.h"

#include <sched.h>

int main(void) {
    need(sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){1}));
    int policy = sched_getscheduler(0);
    sched_setscheduler(0, SCHED_OTHER, &(struct sched_param){0});
    if (policy != SCHED_FIFO) held("the policy is %d", policy);
    escaped("SCHED_FIFO");
}
