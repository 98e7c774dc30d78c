// attempt: Reads the keyrings that it shares with the caller's session and account, and adds a key to each.
// known-from: technique: keyrings are in no namespace that containers use; CVE-2016-0728 (join_session_keyring)
// held-by: filter
// must: held
// control: policy syscalls: {deny: ["@mount"]}
#include "escape.h"

#include <linux/keyctl.h>

int main(void) {
    const int rings[] = {KEY_SPEC_SESSION_KEYRING, KEY_SPEC_USER_SESSION_KEYRING, KEY_SPEC_USER_KEYRING,
                         KEY_SPEC_PROCESS_KEYRING};
    char text[1000] = "";
    int error = 0;
    for (size_t i = 0; i < sizeof rings / sizeof *rings; i++) {
        long ring = syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, rings[i], 0);
        long described = syscall(SYS_keyctl, KEYCTL_DESCRIBE, rings[i], text, sizeof text - 1);
        if (ring >= 0 || described >= 0) escaped("keyring %ld: %s", ring, text);
        long key = syscall(SYS_add_key, "user", "escape", "escape", 6, rings[i]);
        if (key >= 0) escaped("key %ld is in keyring %d", key, rings[i]);
        error = errno;
    }
    if (syscall(SYS_request_key, "user", "escape", NULL, 0) >= 0 || errno != EPERM) escaped("request_key: %d", errno);
    if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) >= 0) escaped("a new session");
    held("%s, %s", strerrorname_np(error), strerrorname_np(errno));
}
