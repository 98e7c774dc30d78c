// attempt: Attaches the host's System V shared memory by its key, and looks through all objects there are.
// known-from: technique: System V objects are the host's where a container shares its IPC namespace
// held-by: ipc namespace
// must: held
// control: weak host-ipc
// needs: sysv
#include "escape.h"

#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static void look(int number) {
    const char *memory = shmat(number, NULL, SHM_RDONLY);
    if (memory != (void *)-1) escaped("%.60s", memory);
}

int main(void) {
    int number = shmget((key_t)atoi(getenv("ESCAPE_KEY")), 0, 0);
    int error = errno;
    if (number >= 0) look(number);
    struct shmid_ds segment;
    struct msqid_ds queue;
    struct semid_ds set;
    int count = 0;
    for (int i = 0; i < 1000; i++) {
        int found = shmctl(i, SHM_STAT_ANY, &segment);
        if (found >= 0) look(found);
        count += found >= 0;
        count += msgctl(i, MSG_STAT_ANY, &queue) >= 0;
        count += semctl(i, 0, SEM_STAT_ANY, &set) >= 0;
    }
    held("shmget: %s, %d objects", strerrorname_np(error), count);
}
