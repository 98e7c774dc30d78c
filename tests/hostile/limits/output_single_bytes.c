// attempt: Floods stdout a byte at a time.
// clause: limits.output
// limits: output=16KiB wall_time=20s
// takes: 64 KiB
// control: output=16MiB
// expect: output-limit limits.output SIGKILL
#include "attack.h"

int main(void) {
    for (int i = 0; i < 64 << 10; i++) need(write(1, "x", 1) == 1, "write");
    return 0;
}
